# What the parts of compare.sh share: figures in pairs, the server, and the
# program at its two works. Sourced by it.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# median of the numbers on standard input, one a line
median() { sort -g | awk '{v[NR]=$1} END {if (NR%2) print v[(NR+1)/2]; else print (v[NR/2]+v[NR/2+1])/2}'; }

# shown rounds a figure: two decimals below a hundred
shown() { awk '{printf $1 < 100 ? "%.2f" : "%.0f", $1}'; }

# pair NAME UNIT OURS THEIRS: OURS and THEIRS are commands that print one figure.
# Prints the medians and the median ratio. More is better, but for units of time.
pair() {
  local name=$1 unit=$2 ours=$3 theirs=$4 a b i
  : > "$WORK/a"; : > "$WORK/b"; : > "$WORK/r"
  for ((i = 0; i < RUNS; i++)); do
    a=$($ours) || { say "$name: ours failed"; return; }
    b=$($theirs) || { say "$name: theirs failed"; return; }
    echo "$a" >> "$WORK/a"; echo "$b" >> "$WORK/b"
    awk -v a="$a" -v b="$b" 'BEGIN {printf "%.4f\n", a/b}' >> "$WORK/r"
  done
  printf '%-66s %10s %10s %-8s %6.2f   (%s … %s)\n' "$name" "$(median < "$WORK/a" | shown)" "$(median < "$WORK/b" | shown)" "$unit" \
    "$(median < "$WORK/r")" "$(sort -g "$WORK/r" | head -1)" "$(sort -g "$WORK/r" | tail -1)"
}

head_line() { printf '\n%-66s %10s %10s %-8s %6s   %s\n' "$1" ours theirs unit ratio '(least … most)'; }

# quiet COMMAND...: runs it; says why when it ends with another code than 0 or
# one of accept
accept= # 3 and 5, complete with failures, where the target refuses a share
quiet() {
  local code=0
  "$@" > "$WORK/out" 2> "$WORK/err" || code=$?
  case " 0 $accept " in
    *" $code "*) ;;
    *) say "$1 ended with $code: $(tail -3 "$WORK/err")"; return 1 ;;
  esac
}

# seconds COMMAND...: what it takes
seconds() {
  local from=$EPOCHREALTIME
  quiet "$@" || return 1
  awk -v from="$from" -v to="$EPOCHREALTIME" 'BEGIN {printf "%.3f\n", to-from}'
}

# mbs FILE COMMAND...: MB/s of a command that reads FILE
mbs() {
  local file=$1 took
  shift
  took=$(seconds "$@") || return 1
  awk -v took="$took" -v size="$(stat -c %s "$file")" 'BEGIN {printf "%.1f\n", size/1e6/took}'
}

# rows_file N: the name of an export of N rows, made when there is none yet
rows_file() {
  [ -s "$WORK/rows-$1.csv" ] || "$WORK/gen" -rows "$1" > "$WORK/rows-$1.csv"
  echo "$WORK/rows-$1.csv"
}

start_server() {
  stop_server
  "$WORK/server" -addr "127.0.0.1:$PORT" "$@" 2> "$WORK/server.err" &
  server=$!
  for _ in $(seq 100); do curl -sfk "$scheme://127.0.0.1:$PORT/rate" > /dev/null && return; sleep 0.05; done
  say "the server did not start: $(cat "$WORK/server.err")"; exit 1
}
stop_server() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }

# rate COUNT COMMAND...: what the server measured while the command sent COUNT requests
rate() {
  local want=$1 got persec bad
  shift
  curl -sfk "$scheme://127.0.0.1:$PORT/rate" > /dev/null
  quiet "$@" || return 1
  read -r got persec bad _ < <(curl -sfk "$scheme://127.0.0.1:$PORT/rate")
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
