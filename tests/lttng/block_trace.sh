#!/bin/sh
# Every block in order, in batches and one by one with its gas: by LTTng what it is in process, on both backends, and as often
# as the blocks were counted.
set -eu
. "$(dirname "$0")/lib.sh"

# trace WHAT VIA OPTIONS...: into WHAT-VIA.csv
trace()
{
    what=$1 via=$2
    shift 2
    timeout 120 "$pvmscope" record "$@" --instrument "$what,hostcalls" --via "$via" -o "$work/run.db" >"$work/run.txt" 2>&1 ||
        fail "$(cat "$work/run.txt")"
    "$pvmscope" report "$work/run.db" --by trace --top 0 --format csv >"$work/$what-$via.csv" || fail "$what by $via is no trace"
    sqlite3 "$work/run.db" "select pc || ' ' || hits from hot_blocks order by pc" >"$work/counted"
    awk -F, 'NR > 1 && $5 == "" { hits[$3]++ } END { for (pc in hits) print pc, hits[pc] }' "$work/$what-$via.csv" |
        sort -n >"$work/traced"
    cmp "$work/counted" "$work/traced" || fail "$what by $via: the trace is not what was counted"
}

# compare OPTIONS...
compare()
{
    for what in blocks gas; do
        trace "$what" process "$@"
        trace "$what" lttng "$@"
        cmp "$work/$what-process.csv" "$work/$what-lttng.csv" || fail "$*: $what differ"
        cut -d, -f 1-6 "$work/$what-process.csv" >"$work/$what"
    done
    cmp "$work/blocks" "$work/gas" || fail "$*: batches are not what one by one is"
    echo "same: $*, $(wc -l <"$work/gas") rows"
}

compare "$blobs/service.polkavm" --entry refine --backend interpreter
compare "$blobs/service.polkavm" --entry refine --gas 30000 --backend recompiler
compare "$blobs/service-0.7.2.polkavm" --entry refine --gas 31000 --backend recompiler

# From outside: one session has both ways at once where whoever starts the process asks for it, and it records itself the same.
command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"
start_daemon
start_session both 'pvm:*' --output="$work/both"
PVM_TRACE=lttng PVM_TRACE_INSTRUMENT=gas timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
stop_session both
babeltrace2 "$work/both" >"$work/events.txt" 2>"$work/babeltrace.log" || fail "$(cat "$work/babeltrace.log")"
told=$(awk '/ pvm:gas: /{ gas++ } / pvm:block: /{ block++ } / pvm:block_batch: /{ sub(/.*_blocks_length = /, ""); sub(/[, ].*/, ""); batched += $0 }
    END { print gas + 0, block + 0, batched + 0 }' "$work/events.txt")
"$pvmscope" import "$work/both" -o "$work/both.db" >"$work/import.txt" 2>&1 || fail "$(cat "$work/import.txt")"
hits=$(sqlite3 "$work/both.db" 'select sum(hits) from hot_blocks')
[ "$told" = "$hits $hits $hits" ] || fail "both at once: $told, counted $hits"
PVM_TRACE=record:$work/own.db PVM_TRACE_INSTRUMENT=gas timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
same "$work/own.db" "$work/both.db"
kept=$(sqlite3 "$work/own.db" 'select sum(count), count(gas) = count(*) from block_trace')
[ "$kept" = "$hits|1" ] || fail "blocks with gas, recorded by the process: $kept"
echo "both ways at once: $hits blocks"
PVM_TRACE=record:$work/own.db PVM_TRACE_INSTRUMENT=blocks timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
kept=$(sqlite3 "$work/own.db" "select sum(count), count(gas) from block_trace")
[ "$kept" = "$hits|0" ] || fail "blocks recorded by the process: $kept"
