# The run file keeps how executions came to a panic, a fault or out of gas; report shows it; whether blocks are counted or not.
. "$CLI/lib.sh"

pvmscope record "$GUESTS/service.polkavm" --entry refine --gas 30000 -o oog.db --instrument hostcalls,flight >/dev/null
pvmscope report oog.db | sed -n '/^The way there/,$p'
pvmscope report oog.db | head -n 2
sqlite3 oog.db "select cost > gas from flight; select count(*), min(seq), max(gas_before - gas_after) from flight_call;
    select count(*) from flight_block; select depth, pc, function, found, times from flight_frame"
pvmscope record "$GUESTS/sieve.polkavm" --reg r7=1 -o halt.db >/dev/null
pvmscope report halt.db | grep 'way there' || echo "no way of a run that halts"
# Files of earlier versions have no such tables.
sqlite3 oog.db "drop table flight; drop table flight_frame; drop table flight_call; drop table flight_block"
pvmscope report oog.db | grep 'way there' || echo "no way in an older file"
# Whoever writes such a file by hand gets a report, not a crash.
pvmscope record "$GUESTS/service.polkavm" --entry refine --gas 30000 -o odd.db --instrument counts >/dev/null
sqlite3 odd.db "update flight_frame set found = 'x', function = NULL, pc = -1; update flight set cost = -1, gas = 'y';
    insert into flight_call select 1, seq + 100, pc, func_id, x'ff', 'z', gas_after, result from flight_call;
    with recursive n(i) as (select 1 union select i + 1 from n where i < 500)
    insert into flight_frame select 1, 10 + i, i, 'f', 'guess', 1 from n"
pvmscope report odd.db | sed -n '/^The way there/,$p' | head -n 4
