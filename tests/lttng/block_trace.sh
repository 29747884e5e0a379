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
