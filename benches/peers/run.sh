#!/usr/bin/env bash
# All peers, as lines of the table in docs/performance.md: benches/peers/run.sh DIRECTORY [KEYS...]
# DIRECTORY is on the disk to be measured. Flink is fetched into it unless FLINK_LIB says where its jars are. A peer
# whose tools are not there is left out, and that is said on stderr.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=${1:?say in which directory}
shift
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(1000000 5000000)

# The median of a column of numbers.
median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR + 1) / 2)] }'; }

# The line of one phase of Flink: phase, what to say, keys, file of rows.
flink_line() {
  local wall cpu
  wall=$(awk -F, -v phase="$1" '$3 == phase { print $5 }' "$4" | median)
  cpu=$(awk -F, -v phase="$1" '$3 == phase { print $6 }' "$4" | median)
  printf '| %s, %s keys | %s ms | %s ms | %s |\n' "$2" "$3" "$wall" "$cpu" "\`FS=bfile HEAP=$heap benches/peers/flink/runbackend.sh $3\`"
}

flink() {
  local keys=$1 rows=$directory/flink-$1.csv
  rm -f "$rows"
  FS=bfile HEAP=$heap FLINK_LIB=$FLINK_LIB WORK=$directory/flink-work OUT=$rows "$here/flink/runbackend.sh" "$keys" 3 >&2
  flink_line put_p2 'Flink heap backend, put all, each key once' "$keys" "$rows"
  flink_line get_p2 'Flink heap backend, get all, each key once' "$keys" "$rows"
  flink_line snapshot_native_p2 'Flink heap backend, native snapshot' "$keys" "$rows"
  flink_line snapshot_canonical_p2 'Flink heap backend, canonical snapshot' "$keys" "$rows"
  flink_line restore_native_2to4 'Flink heap backend, restore native 2→4' "$keys" "$rows"
  flink_line restore_canonical_2to4 'Flink heap backend, restore canonical 2→4' "$keys" "$rows"
}

have_flink=1
if ! command -v javac >/dev/null; then
  echo "no Flink: a JDK 17 is needed" >&2
  have_flink=
elif [ -z "${FLINK_LIB:-}" ]; then
  "$here/flink/get.sh" "$directory/flink" >&2
  FLINK_LIB=$directory/flink/pyflink/lib
fi

printf '| peer | wall | CPU | command |\n|---|---|---|---|\n'
for keys in "${sizes[@]}"; do
  heap=4g
  [ "$keys" -le 2000000 ] || heap=8g
  [ -z "$have_flink" ] || flink "$keys"
  if ! "$here/rocksdb.sh" "$keys" "$directory/rocksdb" >"$directory/rocksdb.txt" 2>&1; then
    echo "no RocksDB: $(head -1 "$directory/rocksdb.txt")" >&2
    continue
  fi
  sed -nE 's#^rocksdb,([0-9]+),(.*),(.*)$#| RocksDB, \2, \1 keys | \3 | | `benches/peers/rocksdb.sh \1 DIRECTORY` |#p' "$directory/rocksdb.txt"
done
