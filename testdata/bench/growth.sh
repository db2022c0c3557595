# The parts of compare.sh that are about what grows with an export, and what does
# not. Sourced by it.
# shellcheck shell=bash

# peak COMMAND...: MiB that the command needed at most
peak() {
  quiet /usr/bin/time -f %M -o "$WORK/peak" "$@" || return 1
  awk 'END {printf "%.0f\n", $1/1024}' "$WORK/peak"
}

compare_memory() {
  if [ ! -x /usr/bin/time ]; then say "memory is left out: it needs /usr/bin/time"; return; fi
  local times rows file
  printf '\n%-66s %10s\n' "peak memory; a target that refuses 2 %" MiB
  accept="3 5"
  start_server -refuse 2
  for times in $TIMES; do
    rows=$((MILLION * times))
    file=$(rows_file "$rows")
    rm -rf "$WORK/dry" "$WORK/import"
    printf '%-66s %10s\n' "dry run of $rows rows" "$(peak "$WORK/consentimport" run --dry-run --progress none \
      --mapping "$here/mapping-csv.yaml" --out "$WORK/dry" "$file")"
    printf '%-66s %10s\n' "import of $rows rows, 64 in flight" "$(peak_import "$file" 64)"
    [ "$times" != "${TIMES%% *}" ] ||
      printf '%-66s %10s\n' "import of $rows rows, 1024 in flight" "$(peak_import "$file" 1024)"
    printf '%-66s %10s\n' "report of $rows rows" "$(peak "$WORK/consentimport" report "$WORK/import")"
  done
  accept=
  stop_server
}
peak_import() { # FILE CONCURRENCY
  rm -rf "$WORK/import"
  peak "$WORK/consentimport" run --progress none --base-url "$base" --org acme --project web --mapping "$here/mapping-csv.yaml" \
    --out "$WORK/import" --concurrency "$2" "$1"
}

# by_million ROWS COMMAND...: seconds for a million rows
by_million() {
  local rows=$1 took
  shift
  took=$(seconds "$@") || return 1
  awk -v took="$took" -v rows="$rows" 'BEGIN {printf "%.4f\n", took/rows*1e6}'
}
compare_linear() {
  local first=${TIMES%% *} times rows less file small
  less=$((MILLION * first))
  small=$(rows_file "$less")
  start_server
  printf '\n%-66s %10s %10s %-8s %6s   %s\n' "seconds for a million rows" more fewer unit ratio '(least … most)'
  for times in ${TIMES#"$first"}; do
    rows=$((MILLION * times))
    file=$(rows_file "$rows")
    pair "dry run, $rows rows against $less" s/M "by_million $rows dry_run csv $file" "by_million $less dry_run csv $small"
    pair "import, $rows rows against $less" s/M "by_million $rows import $file 64" "by_million $less import $small 64"
  done
  stop_server
}

count() { curl -sfk "$scheme://127.0.0.1:$PORT/count"; }

# An import is killed when the server has seen 90 % of its rows; then, from a copy
# of what it left each time: the time from the start of run --resume to the first
# request, as the server saw it, against a dry run of the rows that were sent.
compare_resume() {
  local file=$WORK/export.csv rows sent pid
  [ -s "$file" ] || "$WORK/gen" -bytes "$((MB * 1000000))" > "$file"
  rows=$(($(wc -l < "$file") - 1))
  start_server
  rm -rf "$WORK/killed"
  start_import "$WORK/killed" "$file"
  until sent=$(count) && [ "$sent" -ge $((rows * 9 / 10)) ]; do
    kill -0 "$pid" 2> /dev/null || { say "resume is left out: the import ended early: $(tail -3 "$WORK/err")"; stop_server; return; }
    sleep 0.05
  done
  crash "$pid"
  sent=$(count)
  if [ "$sent" -ge "$rows" ]; then say "resume is left out: all $rows rows were sent before the kill; give a larger MB"; stop_server; return; fi
  head -n $((sent + 1)) "$file" > "$WORK/sent.csv"
  head_line "resume after $sent of $rows rows"
  pair "start to first request, against a dry run of what was sent" s resume_seconds "seconds dry_run csv $WORK/sent.csv"
  rm -rf "$WORK/resumed"
  cp -r "$WORK/killed" "$WORK/resumed"
  start_import "$WORK/resumed" "$file" --resume
  wait "$pid" || say "the resumed import ended with $?: $(tail -3 "$WORK/err")"
  stop_server
}
# start_import DIR FILE FLAGS...: an import in the background, as process pid
start_import() {
  "$WORK/consentimport" run --progress none --base-url "$base" --org acme --project web --mapping "$here/mapping-csv.yaml" \
    --out "$1" "${@:3}" "$2" > "$WORK/out" 2> "$WORK/err" &
  pid=$!
}
crash() { kill -KILL "$1" 2> /dev/null || true; wait "$1" 2> /dev/null || true; }
resume_seconds() {
  local from first pid
  rm -rf "$WORK/resumed"
  cp -r "$WORK/killed" "$WORK/resumed"
  sync # what an import left that was killed lies on the medium
  curl -sfk "$scheme://127.0.0.1:$PORT/rate" > /dev/null
  from=$EPOCHREALTIME
  start_import "$WORK/resumed" "$WORK/export.csv" --resume
  until [ "$(count)" -gt 0 ]; do
    kill -0 "$pid" 2> /dev/null || { tail -3 "$WORK/err" >&2; return 1; }
    sleep 0.02
  done
  crash "$pid"
  read -r _ _ _ first < <(curl -sfk "$scheme://127.0.0.1:$PORT/rate")
  awk -v from="$from" -v to="$first" 'BEGIN {printf "%.3f\n", to-from}'
}

compare_report() {
  local rows=$((MILLION * 10)) file
  file=$(rows_file "$rows")
  accept="3 5"
  start_server -refuse 10
  quiet import "$file" 64 || { say "report is left out: the import failed"; stop_server; return; }
  stop_server
  head_line "report of $rows rows, 10 % refused"
  pair "report, against a dry run of the same export" s "seconds $WORK/consentimport report $WORK/import" "seconds dry_run csv $file"
  accept=
}

# The whole of a run, until its reports lie on the disk, against the time between its
# first request and its last, as the server saw them: both of one run.
compare_disk() {
  local rows=$((MILLION * 5)) file
  file=$(rows_file "$rows")
  start_server
  head_line "run of $rows rows"
  pair "run to reports on disk, against its sending alone" s "run_seconds $file" sending_seconds
  stop_server
}
run_seconds() {
  curl -sfk "$scheme://127.0.0.1:$PORT/rate" > /dev/null
  seconds import "$1" 64
}
sending_seconds() { # of the run before
  curl -sfk "$scheme://127.0.0.1:$PORT/rate" | awk '$2 > 0 {printf "%.3f\n", $1/$2; found = 1} END {exit !found}'
}

# The sort of the index of an export that does not fit into memory, against sort of the
# GNU coreutils with as much memory, on keys alike; the files are held to be equal.
compare_sort() {
  printf '\nsort of %s keys with 64 MiB, against GNU sort -S 64M: seconds, and theirs / ours\n' "$((MILLION * 50))"
  (cd "$root" && CONSENTIMPORT_SORT_KEYS=$((MILLION * 50)) CONSENTIMPORT_SORT_MIB=64 TMPDIR="$WORK" \
    go test -run '^$' -bench AgainstGNUSort -benchtime "${RUNS}x" -timeout 0 ./importer/extsort) | grep ^Benchmark
}

# What a token bucket that tells nothing gives, and what is refused: simulated, in the time
# of a test.
compare_bucket() {
  printf '\ntoken bucket of unknown rate and size: share of the limit reached, of requests refused\n'
  (cd "$root" && go test -count=1 -run PacerLearnsTheRateOfABucket -v ./importer/intempt) | grep -E 'RUN.*/|reached' |
    sed 's/.*RUN *[^/]*\///; s/.*go:[0-9]*: //' | paste - - | tr _ ' '
}

compare_start() {
  local i
  for i in $(seq 21); do seconds "$WORK/consentimport" --help; done > "$WORK/starts"
  printf '\n%-66s %10.0f ms\n' "start: --help, median of 21" "$(awk '{print $1*1000}' "$WORK/starts" | median)"
  printf '%-66s %10s MB\n' "binary as it is built by go build" "$(size_of "$WORK/consentimport")"
  if [ -z "$BIN" ]; then
    (cd "$root" && go build -trimpath -ldflags='-s -w' -o "$WORK/stripped" ./cmd/consentimport)
    printf '%-66s %10s MB\n' "binary with -trimpath -ldflags='-s -w'" "$(size_of "$WORK/stripped")"
  fi
}
size_of() { awk -v size="$(stat -c %s "$1")" 'BEGIN {printf "%.1f", size/1e6}'; }

# share PROFILE FOCUS: the samples whose stack has a function like FOCUS, in percent
share() {
  go tool pprof -top -nodefraction=0 -nodecount=0 -focus="$2" "$1" 2> /dev/null |
    awk '/^Showing nodes accounting for/ {sub(/%/, "", $6); print $6; found = 1} END {if (!found) print 0}'
}
# What journal, order and progress cost: by leaving them out, and by their share of
# the processor time of whole imports. The share does not have what others pay
# for them (waking up, garbage), the difference does; but it is the noisier.
compare_cost() {
  local profile=$WORK/import.prof
  printf '\nwhat journal and order cost, by leaving them out; what progress takes\n'
  (cd "$root" && go test -run '^$' -bench Cost -benchtime "$((RUNS * 4 + 1))x" ./importer && go test -run '^$' -bench Progress -benchtime 200ms ./cmd/consentimport) |
    grep ^Benchmark
  (cd "$root" && go test -run '^$' -bench 'Reference/import/ours' -benchtime "${RUNS}x" -cpuprofile "$profile" -o "$WORK/cmd.test" ./cmd/consentimport) > "$WORK/out"
  printf '\n%-66s %10s\n' "share of an import's processor time, its reports included" %
  printf '%-66s %10s\n' \
    "journal: methods of journal.Writer" "$(share "$profile" 'importer/journal\.\(\*Writer\)')" \
    "order: methods of importer.lanes" "$(share "$profile" 'importer\.\(\*lanes\)')" \
    "target: methods of intempt.Client" "$(share "$profile" 'importer/intempt\.\(\*Client\)')" \
    "reports: package report" "$(share "$profile" 'consentimport/report\.')"
}
