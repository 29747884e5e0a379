#!/bin/sh
# Two collectors on one process at once see the same; one with filters sees its part.
set -eu
. "$(dirname "$0")/lib.sh"

# A name that no other test's target has.
cp "$target" "$work/tw$$"
target=$work/tw$$
start_target t 1.5 5000 20 2
attach one --pid $pid
first=$collector
attach two --comm "$(cat /proc/$pid/comm)"
second=$collector
attach part --pid $pid --service 2 --call 3
third=$collector
attach none --pid $pid --call 4
begin t
wait $first && wait $second && wait $third && wait $collector || fail "$(cat "$work"/*.err)"
wait $pid || fail "the target came to harm"
total=$(calls t)
expect "one" "$(query one 'select count(*) from host_calls')" "$total"
expect "two" "$(query two 'select count(*) from host_calls')" "$total"
expect "of one service" "$(query part 'select count(*) from host_calls')" "$(awk '$1 == 1 { print $2 }' "$work/t.txt")"
expect "of no number" "$(query none 'select count(*) from host_calls')" 0
expect "lost" "$(lost one)$(lost two)$(lost part)$(lost none)" 0000
