#!/bin/sh
# The last two levels of backing off: no host calls but executions, and nothing but samples; and coming back from there.
set -eu
. "$(dirname "$0")/lib.sh"

# Host calls as fast as it can, all in one execution: one of 64 is too much, too, and an execution costs nothing. It finds its level
# second by second, and on a computer where others are busy a second may hold too few calls to tell: then once more.
for attempt in 1 2 3 4; do
    name=calls$attempt
    start_target $name 4.5 0 0 1
    attach $name --pid $pid --max-overhead 0.2%
    begin $name
    wait $collector || fail "$(cat "$work/$name.err")"
    wait $pid || fail "the target came to harm"
    level=$(query $name "select value from run_info where key = 'attach_level'")
    [ "$level" != "no host calls" ] || break
    echo "attempt $attempt: $level"
done
expect "level" "$level" "no host calls"
left_out=$(query $name "select value from run_info where key = 'attach_left_out'")
recorded=$(query $name 'select count(*) from host_calls')
expect "calls" "$((recorded + $(lost $name)))" "$(calls $name)"
expect "left out is all that is lost" "$left_out" "$(lost $name)"
echo "left out: $left_out of $(calls $name)"

# An execution for each host call: executions are too much as well. It tries again five seconds later, so there are some after
# a long pause.
longest_pause()
{
    query runs 'select ifnull(max(pause), 0) from (select started_ns - lag(started_ns) over (order by started_ns) pause from executions)'
}
has_paused()
{
    [ "$(longest_pause)" -gt 2000000000 ]
}
start_target runs 300 10000 1 1
attach runs --pid $pid --max-overhead 0.01%
begin runs
wait_for 60 has_paused || fail "it never came down to samples: the longest pause is $(longest_pause) ns"
kill -0 $pid || fail "the target came to harm"
stop_collecting runs
[ "$(query runs "select sum(value) from run_info where key glob 'attach_samples_*'")" -gt 0 ] || fail "no samples"
level=$(query runs "select value from run_info where key = 'attach_level'")
case $level in
"samples only" | "no host calls") echo "down to samples, and back to try again" ;;
*) fail "level $level" ;;
esac
