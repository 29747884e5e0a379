#!/bin/sh
# Machines inside of each other, with host calls of the outer ones that last longer than the collector waits with putting calls into
# order, and one that never returns: numbers are in the order of the begins all the same.
set -eu
. "$(dirname "$0")/lib.sh"

start_target t nested
attach deep --pid $pid
begin t
wait_for 60 grep -q waiting "$work/t.txt" || fail "the target does not come to its end"
stop_collecting deep
expect "calls" "$(query deep 'select group_concat(service, "") from (select service from host_calls order by seq)')" \
    1233333333331
expect "numbers" "$(query deep 'select min(seq) || "-" || max(seq) from host_calls')" 0-12
expect "out of order" "$(query deep 'select count(*) from host_call a join host_call b on b.seq = a.seq + 1
    where b.started_ns < a.started_ns')" 0
expect "without an end" "$(query deep 'select group_concat(seq) from host_call where duration_ns is null')" 12
expect "within the outer one" "$(query deep 'select count(*) from host_call a, host_call b where a.seq = 0 and b.seq between 1 and 11
    and b.started_ns + b.duration_ns <= a.started_ns + a.duration_ns')" 11
expect "parents" "$(query deep 'select count(*) from vm where parent is not null')" 2
expect "slices" "$(query deep 'select sum(calls) from host_slice')" 13
expect "lost" "$(lost deep)" 0
kill -9 $pid
