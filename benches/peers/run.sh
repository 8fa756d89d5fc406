#!/usr/bin/env bash
# All peers beside keygroups, as tables for docs/performance.md: benches/peers/run.sh DIRECTORY [KEYS...]
# DIRECTORY is on the disk to be measured. Flink is fetched into it unless FLINK_LIB says where its jars are. KEYGROUPS is the
# program, if it is not to be built here. What cannot be measured is left out, and that is said on stderr.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
given=${1:?say in which directory}
shift
mkdir -p "$given"
directory=$(cd "$given" && pwd)
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(1000000 5000000 10000000)
# What each of the commands does by itself, so that those printed say nothing about it.
rounds=5
# As many tasks access state on all sides.
tasks=2

# The middle one of a column of numbers. Fails without any.
median() { sort -g | awk '{ v[NR] = $1 } END { if (!NR) exit 1; print v[int((NR + 1) / 2)] }'; }

# What a phase of Flink took, in milliseconds: phase, "wall", "cpu" or "least", file of rows. Round 0 does not count.
#
# Accesses of ours are measured by the processor time of the slowest task. What comes next to it is "least": the processor
# time of Flink's process for each task, with that of its collector; or the wall's clock, where cores were idle enough that
# this was less.
flink_ms() {
  awk -F, -v phase="$1" -v what="$2" -v tasks="$tasks" '$3 == phase && $4 > 0 {
    each = $6 / tasks
    print (what == "wall" ? $5 : what == "cpu" ? $6 : each > 0 && each < $5 ? each : $5)
  }' "$3" | median
}

# The line of one phase of Flink: phase, what to say, keys, file of rows.
flink_line() {
  local wall cpu
  wall=$(flink_ms "$1" wall "$4")
  cpu=$(flink_ms "$1" cpu "$4")
  printf "| Flink heap backend, %s, %s keys | %.0f ms | %.0f ms | \`benches/peers/flink/runbackend.sh %s %s\` |\n" \
    "$2" "$3" "$wall" "$cpu" "$3" "$given"
}

flink() {
  local keys=$1 rows=$directory/flink-$1.csv
  if ! "$here/flink/runbackend.sh" "$keys" "$directory" "$rounds" >&2; then
    echo "no Flink at $keys keys: see above" >&2
    rm -f "$rows"
    return
  fi
  flink_line put_p2 'put all, each key once' "$keys" "$rows"
  flink_line get_p2 'get all, each key once' "$keys" "$rows"
  flink_line update_p2 'update all, each key once' "$keys" "$rows"
  flink_line snapshot_native_p2 'native snapshot' "$keys" "$rows"
  flink_line snapshot_canonical_p2 'canonical snapshot' "$keys" "$rows"
  flink_line restore_native_2to4 'restore native 2→4' "$keys" "$rows"
  flink_line restore_canonical_2to4 'restore canonical 2→4' "$keys" "$rows"
}

rocksdb() {
  local keys=$1 rows=$directory/rocksdb-$1.txt
  if ! "$here/rocksdb.sh" "$keys" "$directory" "$rounds" >"$rows" 2>"$directory/rocksdb.log"; then
    echo "no RocksDB at $keys keys: $(head -1 "$directory/rocksdb.log")" >&2
    rm -f "$rows"
    return
  fi
  sed -nE "s#^rocksdb,([0-9]+),(.*),(.*)\$#| RocksDB, \2, \1 keys | \3 | | \`benches/peers/rocksdb.sh \1 $given\` |#p" "$rows"
}

ours() {
  local json=$directory/keygroups-$1.json
  if ! "${keygroups[@]}" bench --keys "$1" --rounds "$rounds" --directory "$directory" --json >"$json"; then
    echo "no keygroups at $1 keys: see above" >&2
    rm -f "$json"
  fi
}

# A number of what keygroups measured, or nothing: file, path below "measured".
json() {
  if command -v jq >/dev/null; then
    jq -r ".measured.$2 // empty" "$1"
  else
    python3 -c 'import functools, json, sys
print(functools.reduce(lambda value, name: value[name], sys.argv[2].split("."), json.load(open(sys.argv[1]))["measured"]))' "$1" "$2"
  fi
}

# A line of ratios: what, how many times at least, ours, the peer's, their unit, keys. Of times the smaller one is better.
ratio() {
  if [ -z "$3" ] || [ -z "$4" ]; then
    echo "no ratio at $6 keys, not measured: $1" >&2
    return
  fi
  awk -v what="$1" -v aim="$2" -v ours="$3" -v peer="$4" -v unit="$5" -v keys="$6" -v directory="$given" 'BEGIN {
    ratio = (unit == "ms" ? peer / ours : ours / peer)
    reached = (ratio >= aim ? "yes" : "**no**")
    printf "| %s, %d keys | ≥ %d× | %.1f %s | %.1f %s | **%.2f×** | %s |", what, keys, aim, ours, unit, peer, unit, ratio, reached
    printf " `benches/peers/run.sh %s %d` |\n", directory, keys
  }'
}

# Millions of accesses a second, of all tasks together: phase of Flink, keys.
flink_speed() { awk -v keys="$2" -v ms="$(flink_ms "$1" least "$directory/flink-$2.csv")" 'BEGIN { print keys / ms / 1e3 }'; }

ratios() {
  local keys=$1 json=$directory/keygroups-$1.json rows=$directory/flink-$1.csv rocksdb=$directory/rocksdb-$1.txt
  local get update insert native copied
  [ -e "$json" ] || return 0
  if [ -e "$rows" ]; then
    get=$(flink_speed get_p2 "$keys")
    update=$(flink_speed update_p2 "$keys")
    insert=$(flink_speed put_p2 "$keys")
    native=$(flink_ms restore_native_2to4 wall "$rows")
    ratio "get, against Flink's heap backend" 3 "$(json "$json" accesses.ours.get)" "$get" M/s "$keys"
    ratio 'the same, 32 keys told beforehand' 3 "$(json "$json" accesses.ours_in_batches.get)" "$get" M/s "$keys"
    ratio "update, against Flink's heap backend" 3 "$(json "$json" accesses.ours.update)" "$update" M/s "$keys"
    ratio 'the same, 32 keys told beforehand' 3 "$(json "$json" accesses.ours_in_batches.update)" "$update" M/s "$keys"
    ratio "insert, against Flink's heap backend" 3 "$(json "$json" accesses.ours.insert)" "$insert" M/s "$keys"
    ratio "restore 2→4, verified, against Flink's native format" 10 "$(json "$json" restore.tables.wall_ms)" "$native" ms "$keys"
    ratio 'the same with files mapped into memory' 10 "$(json "$json" restore.mapped.wall_ms)" "$native" ms "$keys"
  fi
  if [ -e "$rocksdb" ]; then
    copied=$(sed -nE 's/^rocksdb,[0-9]+,restore 2 to 4 from copied files,(.*) ms$/\1/p' "$rocksdb")
    ratio 'restore 2→4, verified, against RocksDB that opens copied files' 6 "$(json "$json" restore.tables.wall_ms)" "$copied" ms "$keys"
    ratio 'the same with files mapped into memory' 6 "$(json "$json" restore.mapped.wall_ms)" "$copied" ms "$keys"
  fi
}

keygroups=()
manifest=$here/../../Cargo.toml
if ! command -v jq >/dev/null && ! command -v python3 >/dev/null; then
  echo "no ratios: jq or python3 is needed to read what keygroups measures" >&2
elif [ -n "${KEYGROUPS:-}" ]; then
  keygroups=("$KEYGROUPS")
elif cargo build --release --quiet --manifest-path "$manifest" -p keygroups-cli; then
  keygroups=(cargo run --release --quiet --manifest-path "$manifest" -p keygroups-cli --)
else
  echo "no ratios: keygroups cannot be built" >&2
fi

printf '| peer | wall | CPU | command |\n|---|---|---|---|\n'
for keys in "${sizes[@]}"; do
  rm -f "$directory/flink-$keys.csv" "$directory/rocksdb-$keys.txt" "$directory/keygroups-$keys.json"
  flink "$keys"
  rocksdb "$keys"
  [ ${#keygroups[@]} -eq 0 ] || ours "$keys"
done
if [ ${#keygroups[@]} -gt 0 ]; then
  printf '\n| figure | aim | ours | peer | ratio | reached? | command |\n|---|---|---|---|---|---|---|\n'
  for keys in "${sizes[@]}"; do ratios "$keys"; done
fi
