# The parts of compare.sh that are about speed. Sourced by it.
# shellcheck shell=bash

ours_mbs() { mbs "$2" dry_run "$1" "$2"; }
ours_mbs_one() { export GOMAXPROCS=1; taskset -cp 0 $BASHPID > /dev/null; mbs "$2" dry_run "$1" "$2"; }
parse_mbs() { mbs "$2" env GOMAXPROCS=1 taskset -c 0 "$WORK/parse" "$1" "$2"; }
duck_mbs() { mbs "$2" node "$WORK/duck/duckdb.mjs" "$1" "$2" "$3"; }
duck_mbs_one() { mbs "$2" taskset -c 0 node "$WORK/duck/duckdb.mjs" "$1" "$2" 1; }

# connect_pipeline KIND OUTPUT: the file of a pipeline of Redpanda Connect
connect_pipeline() {
  { cat "$here/connect/$1.yaml"; printf 'output:\n%s\n' "$2"; } > "$WORK/connect-$1.yaml"
  echo "$WORK/connect-$1.yaml"
}
run_connect() { EXPORT=$1 "$WORK/connect" run "$2"; } # EXPORT PIPELINE
connect_mbs() { mbs "$2" run_connect "$2" "$3"; }
build_connect() {
  [ -x "$WORK/connect" ] || (cd "$here/connect" && go build -o "$WORK/connect" .) 2> "$WORK/err" || {
    say "Redpanda Connect is left out: it could not be built: $(tail -1 "$WORK/err")"
    return 1
  }
}

compare_dryrun() {
  local kind file reference duck= connect=
  build_connect && connect=yes
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
    if [ -n "$connect" ]; then
      pair "$kind, two processors, against Redpanda Connect" MB/s "ours_mbs $kind $file" \
        "connect_mbs $kind $file $(connect_pipeline "$kind" '  drop: {}')"
    fi
  done
}

run_wrk() { BODIES="$WORK/send.bodies" wrk -t1 -c64 -d"${SECONDS_EACH}s" -s "$here/wrk.lua" "$url"; }
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
  if build_connect; then
    pair "against Redpanda Connect" req/s "$ours" "rate $ROWS run_connect $WORK/send.csv $(connect_pipeline csv "  http_client:
    url: '$url'
    verb: POST
    headers: {Content-Type: application/json}
    max_in_flight: 64")"
  fi
  if ! have wrk; then say "wrk is left out: it is not installed"; stop_server; return; fi
  pair "against wrk" req/s "$ours" "rate any run_wrk"
  local plain=$base
  scheme=https base=https://${base#http://} url=https://${url#http://}
  start_server -tls "$WORK/server.pem"
  export SSL_CERT_FILE=$WORK/server.pem
  pair "against wrk, both over TLS" req/s "$ours" "rate any run_wrk"
  unset SSL_CERT_FILE
  stop_server
  scheme=http base=$plain url=http://${url#https://}
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
