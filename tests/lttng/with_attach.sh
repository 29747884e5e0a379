#!/bin/sh
# A session of LTTng that wants host calls told in both ways, and pvmscope attach at the same process: the import takes each once,
# before, while and after probes are armed.
set -eu
. "$(dirname "$0")/lib.sh"
node=$2
command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"

start_daemon
start_session both 'pvm*:*' --output="$work/both"
start_node "$node" 0
wait_for_executions 5
"$pvmscope" attach --pid $process --duration 100 -o "$work/attach.db" >"$work/attach.txt" 2>&1 &
collector=$!
# has_attached: calls have come, or none ever will
has_attached()
{
    ! kill -0 $collector || [ "$(sqlite3 "$work/attach.db" 'select count(*) > 0 from host_calls')" = 1 ]
}
wait_for 60 has_attached || fail "attach saw no host call: $(cat "$work/attach.txt")"
kill -INT $collector 2>/dev/null || true
status=0
wait $collector || status=$?
wait_for_executions 5
end_node
stop_session both
[ $status -ne 4 ] || skip "attach: $(head -n 1 "$work/attach.txt")"
[ $status -eq 0 ] || fail "attach: exit $status: $(cat "$work/attach.txt")"

babeltrace2 "$work/both" >"$work/events.txt" 2>"$work/babeltrace.log" || fail "$(cat "$work/babeltrace.log")"
twice=$(grep -c ' pvm:host_call_end: ' "$work/events.txt" || true)
whole=$(grep -c ' pvm_fast:host_call: ' "$work/events.txt" || true)
[ "$twice" -gt 0 ] && [ "$twice" -eq "$whole" ] || fail "not all is told in both ways: $twice ends, $whole calls"
"$pvmscope" import "$work/both" -o "$work/both.db" >"$work/import.txt" 2>&1 || fail "$(cat "$work/import.txt")"
calls=$(sqlite3 "$work/both.db" "select count(*) = (select sum(host_calls) from execution), count(*) = count(result),
    (select max(abs(difference)) from execution), (select count(*) from lost_events) from host_calls")
[ "$calls" = "1|1|0|0" ] || fail "host calls are not what was made: $calls"
echo "$twice host calls told twice, taken once"
