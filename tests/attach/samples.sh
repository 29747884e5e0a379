#!/bin/sh
# --samples: where guest code spends its time is in the file, in recompiled code and in the interpreter, of a program that libpvm
# is linked into; and of short programs that come and go all the time nothing is taken for something else.
set -eu
. "$(dirname "$0")/lib.sh"
root=$(cd "$here/../.." && pwd)

for backend in recompiler interpreter; do
    "$pvmscope" run "$root/examples/guest/blobs/matmul.polkavm" --backend $backend --gas 100000000000000 --reg r7=40000000 \
        >"$work/run.txt" 2>&1 &
    pid=$!
    running="$running $pid"
    wait_for 60 has_spent $pid 20 || fail "the guest does not run"
    attach $backend --pid $pid --samples 499
    # A second of its own, however long that takes.
    wait_for 200 has_spent $pid $(($(spent $pid) + 100)) || fail "the guest does not run"
    stop_collecting $backend
    kill -9 $pid
    wait $pid 2>/dev/null || true
    guest=$(query $backend "select value from run_info where key = 'attach_samples_guest'")
    [ "$guest" -gt 50 ] || fail "$backend: $guest samples in guest code"
    expect "$backend: in the file" "$(query $backend 'select sum(samples) from sample where pc >= 0')" "$guest"
    top=$(query $backend 'select f.name from sample s join function f on f.program = s.program and f.id = s.function
        group by f.name order by sum(samples) desc limit 1')
    expect "$backend: where" "$top" multiply
    unknown=$(query $backend "select value from run_info where key = 'attach_samples_unknown'")
    expect "$backend: nowhere" "$unknown" 0
    "$pvmscope" report "$work/$backend.db" --by function | grep -q multiply || fail "no report"
done

start_target t 2 0 50 2
attach churn --pid $pid --samples 499
begin t
wait $collector || fail "$(cat "$work/churn.err")"
wait $pid || fail "the target came to harm"
total=$(query churn "select sum(value) from run_info where key like 'attach_samples_%' and key not like '%dropped'")
[ "$total" -gt 10 ] || fail "samples: $total"
expect "churn: nowhere" "$(query churn "select value from run_info where key = 'attach_samples_unknown'")" 0
