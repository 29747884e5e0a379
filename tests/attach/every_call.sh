#!/bin/sh
# A process that nobody has prepared: each host call is in the file, with its number, gas, registers and time, and what the
# target says it made is what was recorded and lost. Both with one long execution and with many short ones.
set -eu
. "$(dirname "$0")/lib.sh"

for each in 0 10; do
    start_target t$each 1.5 20000 $each 2
    attach a$each --pid $pid
    begin t$each
    wait $collector || fail "attach: $(cat "$work/a$each.err")"
    wait $pid || fail "the target came to harm"
    expect "calls, $each each" "$(calls t$each)" "$(($(query a$each 'select count(*) from host_calls') + $(lost a$each)))"
    expect "lost" "$(lost a$each)" 0
    expect "numbers without a gap" "$(query a$each 'select max(seq) + 1 - count(*) from host_calls')" 0
    expect "in order of their begins" "$(query a$each '
        select count(*) from host_call a join host_call b on b.seq = a.seq + 1 where b.started_ns < a.started_ns')" 0
    expect "with a duration" "$(query a$each 'select count(*) from host_calls where duration_ns is null')" 0
    # Each call of a machine finds r7 one higher than the one before, and three instructions paid.
    expect "wrong registers or gas" "$(query a$each 'select count(*) from (select r7, gas_before,
        lag(r7) over w as r7_before, lag(gas_before) over w as gas_one_before from host_call
        window w as (partition by execution order by seq))
        where r7 <> r7_before + 1 or gas_one_before - gas_before <> 3')" 0
    expect "services" "$(query a$each 'select group_concat(service) from (select distinct service from host_calls
        order by 1)')" 1,2
    expect "program" "$(query a$each 'select count(*) || group_concat(length(blob)) from program')" 111
    expect "status" "$(query a$each "select value from run_info where key = 'status'")" complete
    expect "lines of a report" "$("$pvmscope" report "$work/a$each.db" --by hostcall --format csv | wc -l)" 2
done
