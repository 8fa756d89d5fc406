#!/usr/bin/env bash
# What a rescale from 2 to 4 costs with RocksDB: benches/peers/rocksdb.sh KEYS DIRECTORY
# Needs a C++ compiler and RocksDB's headers (Debian: librocksdb-dev).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(mktemp -d)/rocksdb
g++ -O2 -std=c++17 -o "$program" "$here/rocksdb.cc" -lrocksdb -lpthread
"$program" "$@"
rm -r "$(dirname "$program")"
