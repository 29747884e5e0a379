#!/bin/sh
# A target that begins another program (exec()) is followed: what it did before is kept, its machines have ended, and those of the new
# program, which have the same numbers, are others.
set -eu
. "$(dirname "$0")/lib.sh"

start_target t again 3 5000 10 1
attach followed --pid $pid
begin t
wait $collector || fail "$(cat "$work/followed.err")"
wait $pid || fail "the target came to harm"
expect "programs begun" "$(query followed "select value from run_info where key = 'attach_execs'")" 1
tr '\n' ' ' <"$work/followed.out" | grep -q "began another program (exec) 1 times" || fail "the summary does not say so: $(cat "$work/followed.out")"
first=$(sed -n 2p "$work/t.txt" | cut -d' ' -f2)
second=$(sed -n '$p' "$work/t.txt" | cut -d' ' -f2)
recorded=$(query followed 'select count(*) from host_call')
echo "calls: $first and $second, recorded: $recorded, lost: $(lost followed)"
[ "$recorded" -gt "$first" ] || fail "nothing of the second program"
[ "$recorded" -ge $((first + second / 2)) ] || fail "little of the second program"
[ "$recorded" -le $((first + second)) ] || fail "more than there were"
# One machine makes ten calls: whoever has more is two that were taken for one.
expect "most calls of a machine" "$(query followed 'select max(n) from (select count(*) n from host_call group by vm)')" 10
