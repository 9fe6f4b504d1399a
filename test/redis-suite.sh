#!/usr/bin/env bash
# Redis's own test suite, run against nearkey as an external server; it needs tcl, and the source of Redis (8.0.2 is what the
# wanted counts are of), which is not part of this repository:
#
#   npm run build && test/redis-suite.sh PATH-TO-REDIS-SOURCE [unit/type/list ...]
#
# Each file has a server of its own. Prints what passed, failed and was cut off in each file, and the sums; what each
# said lies in build/redis-suite. Ends with 1 when a file has less than 99 of 100 of its wanted count.
set -u

suite=${1:?"usage: test/redis-suite.sh PATH-TO-REDIS-SOURCE [unit/... ...]"}
shift
[ -x "$suite/runtest" ] || { echo "$suite has no runtest: name the source of Redis" >&2; exit 2; }
command -v tclsh >/dev/null || { echo "the suite needs tcl: apt-get install tcl" >&2; exit 2; }
suite=$(cd "$suite" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
[ -f "$here/dist/cli.js" ] || { echo "dist/cli.js is missing: npm run build" >&2; exit 2; }
out=$here/build/redis-suite
mkdir -p "$out"

# What Redis 8.0.2 passes in each file when it is tested in this way.
wanted="unit/type/string 77
unit/type/incr 32
unit/type/hash 79
unit/type/list 252
unit/type/list-3 9
unit/type/set 113
unit/type/zset 280
unit/type/stream 73
unit/type/stream-cgroups 59
unit/expire 56
unit/keyspace 58
unit/scan 22
unit/protocol 21
unit/multi 35
unit/pubsub 32
unit/sort 49
unit/bitops 49
unit/bitfield 18
unit/hyperloglog 19
unit/geo 64
unit/quit 3"
more="unit/dump unit/introspection unit/introspection-2 unit/info-command unit/tracking unit/scripting unit/functions unit/slowlog
unit/latency-monitor unit/lazyfree unit/other unit/pause unit/querybuf"
files=${*:-$(echo "$wanted" | cut -d' ' -f1) $more}
tags="-slow -large-memory -needs:debug -needs:repl -needs:save -repl"
seconds=${REDIS_SUITE_SECONDS:-300}

free_port() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
count() { sed "s/\x1b\[[0-9;]*m//g" "$log" | grep -ac "$1"; }

server=
trap '[ -n "$server" ] && kill "$server" 2>/dev/null' EXIT
sum_ok=0 sum_err=0 sum_wanted=0 short=0
printf '%-24s %6s %6s %8s %8s\n' file ok err timeout wanted
for file in $files; do
  log=$out/$(echo "$file" | tr / _).log
  port=$(free_port)
  # shellcheck disable=SC2086
  node "$here/dist/cli.js" serve --port 0 --resp-port "$port" ${REDIS_SUITE_OPTIONS:-} >"$log.server" 2>&1 &
  server=$!
  for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
  (cd "$suite" && timeout "$seconds" ./runtest --host 127.0.0.1 --port "$port" --single "$file" --tags "$tags" --durable \
    --ignore-encoding --ignore-digest) >"$log" 2>&1
  cut=$([ $? -eq 124 ] && echo 1 || echo 0)
  kill "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  server=
  ok=$(count '^\[ok\]') err=$(($(count '^\[err\]') + $(count '^\[exception\]'))) late=$(($(count '^\[TIMEOUT\]') + cut))
  want=$(echo "$wanted" | awk -v file="$file" '$1 == file { print $2 }')
  printf '%-24s %6s %6s %8s %8s\n' "$file" "$ok" "$err" "$late" "${want:--}"
  sum_ok=$((sum_ok + ok)) sum_err=$((sum_err + err)) sum_wanted=$((sum_wanted + ${want:-0}))
  [ -n "$want" ] && [ $((ok * 100)) -lt $((want * 99)) ] && short=1
done
printf '%-24s %6s %6s %8s %8s\n' total "$sum_ok" "$sum_err" "" "$sum_wanted"
exit "$short"
