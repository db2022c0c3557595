#!/usr/bin/env bash
# Compares consentimport with what a user would pick instead, on this machine.
#
#   testdata/bench/compare.sh [PART]...     (default: all)
#
# dryrun   parse and map one export, on one processor and on two:
#          against encoding/csv (ReuseRecord, parse only), encoding/json (into a
#          struct), DuckDB and Redpanda Connect (mapped to the same bodies). MB/s.
# import   one export to a bare net/http server in its own process: against
#          vegeta with ready bodies, a bare loop (read, encode, send) with fasthttp
#          and with net/http, raw connections, Redpanda Connect, wrk, and wrk over TLS. Requests per second.
# latency  the same with a server that takes 20 ms and 100 ms, with 64, 256 and
#          1024 in flight: against raw connections; and an export in which one
#          subject has 10 % of the rows, against one in which none has.
# memory   peak memory of dry runs, imports of which 2 % is refused, and their
#          reports, of TIMES million rows; with 64 in flight, and with 1024.
# linear   seconds for a million rows of TIMES million rows against the first of them,
#          in a dry run and in an import. Below 1.1 is linear.
# resume   an import of MB is killed at 90 %: the time to the first request of
#          run --resume, against a dry run of those 90 %. Below 0.25 is the aim.
# report   report on 10 million rows of which 10 % was refused, against a dry run
#          of the export. Below 1 is the aim.
# disk     run of 5 million rows, until its reports lie on the disk, against the time
#          between its first request and its last. Below 1.1 is the aim.
# sort     50 million keys with 64 MiB, against GNU sort -S 64M. Above 3 is the aim.
# bucket   a target with a token bucket that tells nothing of it: share of its limit that
#          is reached, of requests that are refused. 99 % and 1 % are the aim.
# start    --help, and the size of the binary.
# cost     what journal, order and progress cost an import; their share of its processor
#          time. 3 % for the journal is the aim.
#
# Every figure is the median of RUNS interleaved pairs (ours, theirs, ours, …), the
# ratio the median of the pairs' ratios. Requests per second are measured by the
# server, between the first and the last request, so all clients are measured alike.
# These machines drift, so believe the ratios and not the figures; and two-processor
# figures only while the probe, printed first, says that two threads get nearly two
# processors. Nothing else should run meanwhile.
#
# Environment: RUNS (5), MB (1000: size of the exports of dryrun and resume), ROWS
# (300000: requests of import), SECONDS_EACH (10: length of a run of latency), MILLION
# (1000000: rows of memory, linear and report; less for a quick look), TIMES ("1 10":
# how many of these; "1 10 50" takes an hour), WORK (a temporary folder), BIN (a
# consentimport built before; else it is built here). All at once takes hours; to see
# that a part works: RUNS=1 MB=20 ROWS=20000 MILLION=20000 SECONDS_EACH=1.
# Needs go, awk, curl, taskset, /usr/bin/time for memory; for DuckDB node and npm
# (package.json pins it), for wrk Debian's package of that name. Redpanda Connect is
# its engine as a Go module (connect/), with the components that it needs here; the
# first build takes a minute. What is missing is left out with a line that says so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${RUNS:=5}" "${MB:=1000}" "${ROWS:=300000}" "${SECONDS_EACH:=10}" "${MILLION:=1000000}" "${TIMES:=1 10}" "${BIN:=}" "${PORT:=8799}"
if [ -z "${WORK:-}" ]; then
  WORK=$(mktemp -d)
  trap 'stop_server; rm -rf "$WORK"' EXIT
else
  mkdir -p "$WORK"
  trap 'stop_server' EXIT
fi
scheme=http # of the server; its certificate is its own
base=http://127.0.0.1:$PORT/v1
url="$base/acme/projects/web/consents/data?apiKey=bench.key"
export INTEMPT_API_KEY=bench.key
server=

# shellcheck source=harness.sh
. "$here/harness.sh"
# shellcheck source=speed.sh
. "$here/speed.sh"
# shellcheck source=growth.sh
. "$here/growth.sh"

(cd "$here" && for program in gen parse server vegeta loop probe; do go build -o "$WORK/$program" "./$program"; done)
if [ -n "$BIN" ]; then cp "$BIN" "$WORK/consentimport"; else (cd "$root" && go build -o "$WORK/consentimport" ./cmd/consentimport); fi
echo "two busy threads get the time of $("$WORK/probe") processors"
[ $# -gt 0 ] || set -- dryrun import latency memory linear resume report disk sort bucket start cost
for part in "$@"; do
  case $part in
    dryrun | import | latency | memory | linear | resume | report | disk | sort | bucket | start | cost) "compare_$part" ;;
    *) say "unknown part $part: the beginning of $0 lists them"; exit 2 ;;
  esac
done
