#!/bin/sh
# A target that begins another program (exec()) is followed: what it did before is kept, its machines have ended, and those of the new
# program, which have the same numbers, are others.
set -eu
. "$(dirname "$0")/lib.sh"

# check NAME: of one that was followed
check()
{
    expect "$1: programs begun" "$(query "$1" "select value from run_info where key = 'attach_execs'")" 1
    tr '\n' ' ' <"$work/$1.out" | grep -q "began another program (exec) 1 times" ||
        fail "the summary does not say so: $(cat "$work/$1.out")"
    # One machine makes ten calls: whoever has more is two that were taken for one.
    expect "$1: most calls of a machine" \
        "$(query "$1" 'select max(n) from (select count(*) n from host_call group by vm)')" 10
}

# The probes stay where they are: nothing is missing.
start_target t again 1.5 1.5 5000 10 1
attach stays --pid $pid
begin t
wait $collector || fail "$(cat "$work/stays.err")"
wait $pid || fail "the target came to harm"
check stays
expect "calls of both programs" "$(query stays 'select count(*) from host_call')" "$(calls t)"
expect "lost" "$(lost stays)" 0

# Begun by another thread than the first one the program is without probes until there are new ones.
start_target u again-by-thread 120 1 5000 10 1
attach anew --pid $pid
begin u
wait_for 60 grep -q '^0 ' "$work/u.txt" || fail "the first program does not end"
wait_for 60 has_calls anew $(($(calls u) + 1000)) || fail "nothing of the second program"
stop_collecting anew
kill -9 $pid || fail "the target came to harm"
check anew
