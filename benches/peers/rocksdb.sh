#!/usr/bin/env bash
# What a rescale from 2 to 4 costs with RocksDB: benches/peers/rocksdb.sh KEYS DIRECTORY [ROUNDS]
# Works in DIRECTORY/rocksdb, which it empties. Needs a C++ compiler and RocksDB's headers (Debian: librocksdb-dev).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
keys=${1:?say how many keys}
mkdir -p "${2:?say in which directory}"
build=$(mktemp -d)
trap 'rm -r "$build"' EXIT
g++ -O2 -std=c++17 -o "$build/rocksdb" "$here/rocksdb.cc" -lrocksdb -lpthread
"$build/rocksdb" "$keys" "$2/rocksdb" "${3:-5}"
