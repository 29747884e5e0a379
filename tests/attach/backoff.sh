#!/bin/sh
# The last two levels of backing off: no host calls but executions, and nothing but samples; and coming back from there.
set -eu
. "$(dirname "$0")/lib.sh"

# Host calls as fast as it can, all in one execution: one of 64 is too much, too, and an execution costs nothing.
start_target calls 4.5 0 0 1
attach calls --pid $pid --max-overhead 0.2%
begin calls
wait $collector || fail "$(cat "$work/calls.err")"
wait $pid || fail "the target came to harm"
expect "level" "$(query calls "select value from run_info where key = 'attach_level'")" "no host calls"
left_out=$(query calls "select value from run_info where key = 'attach_left_out'")
recorded=$(query calls 'select count(*) from host_calls')
expect "calls" "$((recorded + $(lost calls)))" "$(calls calls)"
expect "left out is all that is lost" "$left_out" "$(lost calls)"
echo "left out: $left_out of $(calls calls)"

# An execution for each host call: executions are too much as well. It tries again five seconds later, so there are some after
# a long pause.
start_target runs 11 10000 1 1
attach runs --pid $pid --max-overhead 0.01%
begin runs
wait $collector || fail "$(cat "$work/runs.err")"
wait $pid || fail "the target came to harm"
pause=$(query runs 'select max(pause) from (select started_ns - lag(started_ns) over (order by started_ns) pause from executions) ')
[ "$pause" -gt 2000000000 ] || fail "it never came down to samples: the longest pause is $pause ns"
[ "$(query runs "select sum(value) from run_info where key glob 'attach_samples_*'")" -gt 0 ] || fail "no samples"
[ "$(query runs 'select count(*) from host_calls')" -le "$(calls runs)" ] || fail "more than there were"
level=$(query runs "select value from run_info where key = 'attach_level'")
case $level in
"samples only" | "no host calls") echo "down to samples, and back to try again" ;;
*) fail "level $level" ;;
esac
