#!/usr/bin/env bash
# Compares consentimport with what a user would pick instead, on this machine.
#
#   testdata/bench/compare.sh [dryrun] [import] [latency] [memory]     (default: all)
#
# dryrun   parse and map one export, on one processor and on two:
#          against encoding/csv (ReuseRecord, parse only), encoding/json (into a
#          struct) and DuckDB (mapped to the same bodies). Ratios of MB/s.
# import   one export to a bare net/http server in its own process: against
#          vegeta with ready bodies, a bare loop (read, encode, send) with fasthttp
#          and with net/http, raw connections, wrk. Ratios of requests per second.
# latency  the same with a server that takes 20 ms and 100 ms, with 64, 256 and
#          1024 in flight: against raw connections; and an export in which one
#          subject has 10 % of the rows, against one in which none has.
# memory   peak memory of a dry run and of imports of 1 and 10 times the rows.
#
# Every figure is the median of RUNS interleaved pairs (ours, theirs, ours, …), the
# ratio the median of the pairs' ratios. Requests per second are measured by the
# server, between the first and the last request, so all clients are measured alike.
# These machines drift, so believe the ratios and not the figures; and two-processor
# figures only while the probe, printed first, says that two threads get nearly two
# processors. Nothing else should run meanwhile.
#
# Environment: RUNS (5), MB (1000: size of the exports of dryrun), ROWS (300000:
# requests of import), SECONDS_EACH (10: length of a run of latency), WORK (a
# temporary folder), BIN (a consentimport built before; else it is built here).
# Needs go, awk, curl, taskset, /usr/bin/time for memory; for DuckDB node and npm
# (package.json pins it), for wrk Debian's package of that name. What is missing is
# left out with a line that says so. Redpanda Connect is not compared here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${RUNS:=5}" "${MB:=1000}" "${ROWS:=300000}" "${SECONDS_EACH:=10}" "${BIN:=}" "${PORT:=8799}"
if [ -z "${WORK:-}" ]; then
  WORK=$(mktemp -d)
  trap 'stop_server; rm -rf "$WORK"' EXIT
else
  mkdir -p "$WORK"
  trap 'stop_server' EXIT
fi
base=http://127.0.0.1:$PORT/v1
url="$base/acme/projects/web/consents/data?apiKey=bench.key"
export INTEMPT_API_KEY=bench.key
server=

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# median of the numbers on standard input, one a line
median() { sort -g | awk '{v[NR]=$1} END {if (NR%2) print v[(NR+1)/2]; else print (v[NR/2]+v[NR/2+1])/2}'; }

# pair NAME UNIT OURS THEIRS: OURS and THEIRS are commands that print one figure,
# more being better. Prints the medians and the median ratio.
pair() {
  local name=$1 unit=$2 ours=$3 theirs=$4 a b i
  : > "$WORK/a"; : > "$WORK/b"; : > "$WORK/r"
  for ((i = 0; i < RUNS; i++)); do
    a=$($ours) || { say "$name: ours failed"; return; }
    b=$($theirs) || { say "$name: theirs failed"; return; }
    echo "$a" >> "$WORK/a"; echo "$b" >> "$WORK/b"
    awk -v a="$a" -v b="$b" 'BEGIN {printf "%.4f\n", a/b}' >> "$WORK/r"
  done
  printf '%-66s %10.0f %10.0f %-8s %6.2f   (%s … %s)\n' "$name" "$(median < "$WORK/a")" "$(median < "$WORK/b")" "$unit" \
    "$(median < "$WORK/r")" "$(sort -g "$WORK/r" | head -1)" "$(sort -g "$WORK/r" | tail -1)"
}

head_line() { printf '\n%-66s %10s %10s %-8s %6s   %s\n' "$1" ours theirs unit ratio '(least … most)'; }

# mbs FILE COMMAND...: MB/s of a command that reads FILE
mbs() {
  local file=$1 from to
  shift
  from=$EPOCHREALTIME
  "$@" > "$WORK/out" 2> "$WORK/err" || { tail -3 "$WORK/err" >&2; return 1; }
  to=$EPOCHREALTIME
  awk -v from="$from" -v to="$to" -v size="$(stat -c %s "$file")" 'BEGIN {printf "%.1f\n", size/1e6/(to-from)}'
}

start_server() {
  stop_server
  "$WORK/server" -addr "127.0.0.1:$PORT" "$@" 2> "$WORK/server.err" &
  server=$!
  for _ in $(seq 100); do curl -sf "http://127.0.0.1:$PORT/rate" > /dev/null && return; sleep 0.05; done
  say "the server did not start: $(cat "$WORK/server.err")"; exit 1
}
stop_server() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }

# rate COUNT COMMAND...: what the server measured while the command sent COUNT requests
rate() {
  local want=$1 got persec bad
  shift
  curl -sf "http://127.0.0.1:$PORT/rate" > /dev/null
  "$@" > "$WORK/out" 2> "$WORK/err" || { tail -3 "$WORK/err" >&2; return 1; }
  read -r got persec bad < <(curl -sf "http://127.0.0.1:$PORT/rate")
  if [ "$want" != any ] && { [ "$got" != "$want" ] || [ "$bad" != 0 ]; }; then
    say "$1: the server got $got sound requests instead of $want ($bad odd)"; return 1
  fi
  echo "$persec"
}

dry_run() { # KIND FILE
  rm -rf "$WORK/dry"
  "$WORK/consentimport" run --dry-run --progress none --mapping "$here/mapping-$1.yaml" --out "$WORK/dry" "$2"
}
import() { # FILE CONCURRENCY
  rm -rf "$WORK/import"
  "$WORK/consentimport" run --progress none --base-url "$base" --org acme --project web --mapping "$here/mapping-csv.yaml" \
    --out "$WORK/import" --concurrency "$2" "$1"
}
run_wrk() { BODIES="$WORK/send.bodies" wrk -t1 -c64 -d"${SECONDS_EACH}s" -s "$here/wrk.lua" "$url"; }

ours_mbs() { mbs "$2" dry_run "$1" "$2"; }
ours_mbs_one() { export GOMAXPROCS=1; taskset -cp 0 $BASHPID > /dev/null; mbs "$2" dry_run "$1" "$2"; }
parse_mbs() { mbs "$2" env GOMAXPROCS=1 taskset -c 0 "$WORK/parse" "$1" "$2"; }
duck_mbs() { mbs "$2" node "$WORK/duck/duckdb.mjs" "$1" "$2" "$3"; }
duck_mbs_one() { mbs "$2" taskset -c 0 node "$WORK/duck/duckdb.mjs" "$1" "$2" 1; }

compare_dryrun() {
  local kind file reference duck=
  if have node && have npm; then
    mkdir -p "$WORK/duck" && cp "$here/package.json" "$here/duckdb.mjs" "$WORK/duck/"
    if (cd "$WORK/duck" && npm install --no-package-lock --no-audit --no-fund > npm.log 2>&1); then duck=yes; else say "DuckDB is left out: npm could not install it"; fi
  else
    say "DuckDB is left out: it needs node and npm"
  fi
  head_line "dry run of $MB MB"
  for kind in csv jsonl; do
    file=$WORK/export.$kind
    [ -s "$file" ] || "$WORK/gen" -kind "$kind" -bytes "$((MB * 1000000))" > "$file"
    cat "$file" > /dev/null # into the page cache
    reference=encoding/csv
    if [ "$kind" = jsonl ]; then reference="encoding/json into a struct"; fi
    pair "$kind, one processor, against $reference" MB/s "ours_mbs_one $kind $file" "parse_mbs $kind $file"
    pair "$kind, two processors, against $reference on one" MB/s "ours_mbs $kind $file" "parse_mbs $kind $file"
    if [ -n "$duck" ]; then
      pair "$kind, one processor, against DuckDB" MB/s "ours_mbs_one $kind $file" "duck_mbs_one $kind $file"
      pair "$kind, two processors, against DuckDB" MB/s "ours_mbs $kind $file" "duck_mbs $kind $file 2"
    fi
  done
}

ours_rate() { rate "$1" import "$2" "$3"; }
loop_rate() { rate "$1" "$WORK/loop" -url "$url" -csv "$2" -workers "$3" -batch "${5:-64}" -client "$4"; }

compare_import() {
  "$WORK/gen" -rows "$ROWS" > "$WORK/send.csv"
  "$WORK/gen" -kind bodies -rows "$ROWS" > "$WORK/send.bodies"
  start_server
  head_line "import of $ROWS rows, 64 in flight"
  local ours="ours_rate $ROWS $WORK/send.csv 64"
  pair "against vegeta with ready bodies" req/s "$ours" "rate $ROWS $WORK/vegeta -url $url -bodies $WORK/send.bodies"
  pair "against a bare loop, fasthttp" req/s "$ours" "loop_rate $ROWS $WORK/send.csv 64 fasthttp"
  pair "against a bare loop, net/http" req/s "$ours" "loop_rate $ROWS $WORK/send.csv 64 nethttp"
  pair "against raw connections" req/s "$ours" "loop_rate $ROWS $WORK/send.csv 64 raw"
  if have wrk; then pair "against wrk" req/s "$ours" "rate any run_wrk"; else say "wrk is left out: it is not installed"; fi
  stop_server
}

compare_latency() {
  local ms n rows
  for ms in 20 100; do
    start_server -latency "${ms}ms"
    head_line "import, the server takes $ms ms"
    for n in 64 256 1024; do
      rows=$((n * 1000 / ms * SECONDS_EACH))
      "$WORK/gen" -rows "$rows" > "$WORK/wait.csv"
      pair "$n in flight, against raw connections" req/s "ours_rate $rows $WORK/wait.csv $n" "loop_rate $rows $WORK/wait.csv $n raw 1"
    done
  done
  # The hot subject is not counted: the question is how fast the others go.
  start_server -latency 20ms -ignore '"u0000000001"'
  head_line "import, 20 ms, 64 in flight, requests of the other subjects"
  rows=$((64 * 50 * SECONDS_EACH / 2))
  "$WORK/gen" -rows "$rows" > "$WORK/even.csv"
  "$WORK/gen" -rows "$rows" -hot 10 > "$WORK/hot.csv"
  pair "one subject has 10 % of the rows, against none" req/s "ours_rate any $WORK/hot.csv 64" "ours_rate any $WORK/even.csv 64"
  stop_server
}

# peak COMMAND...: MiB that the command needed at most
peak() {
  /usr/bin/time -f %M -o "$WORK/peak" "$@" > "$WORK/out" 2> "$WORK/err" || { tail -3 "$WORK/err" >&2; return 1; }
  awk 'END {printf "%.0f\n", $1/1024}' "$WORK/peak"
}

compare_memory() {
  if [ ! -x /usr/bin/time ]; then say "memory is left out: it needs /usr/bin/time"; return; fi
  local times
  printf '\n%-66s %10s\n' "peak memory" MiB
  for times in 1 10; do
    "$WORK/gen" -rows "$((ROWS * times))" > "$WORK/memory.csv"
    rm -rf "$WORK/dry" "$WORK/import"
    printf '%-66s %10s\n' "dry run of $((ROWS * times)) rows" "$(peak "$WORK/consentimport" run --dry-run --progress none \
      --mapping "$here/mapping-csv.yaml" --out "$WORK/dry" "$WORK/memory.csv")"
    start_server
    printf '%-66s %10s\n' "import of $((ROWS * times)) rows, 64 in flight" "$(peak "$WORK/consentimport" run --progress none --base-url "$base" --org acme \
      --project web --mapping "$here/mapping-csv.yaml" --out "$WORK/import" "$WORK/memory.csv")"
    stop_server
  done
}

(cd "$here" && for program in gen parse server vegeta loop probe; do go build -o "$WORK/$program" "./$program"; done)
if [ -n "$BIN" ]; then cp "$BIN" "$WORK/consentimport"; else (cd "$root" && go build -o "$WORK/consentimport" ./cmd/consentimport); fi
echo "two busy threads get the time of $("$WORK/probe") processors"
[ $# -gt 0 ] || set -- dryrun import latency memory
for part in "$@"; do
  case $part in
    dryrun | import | latency | memory) "compare_$part" ;;
    *) say "unknown part $part: there are dryrun, import, latency and memory"; exit 2 ;;
  esac
done
