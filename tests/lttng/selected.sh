#!/bin/sh
# Selective tracing: a filter on the command line or from the environment selects the same in process and by LTTng, and the
# run file says that it is a part.
set -eu
. "$(dirname "$0")/lib.sh"

# compare FILTER OPTIONS...
compare()
{
    filter=$1
    shift
    for via in process lttng; do
        timeout 120 "$pvmscope" record "$blobs/service.polkavm" --entry refine --select "$filter" --via $via "$@" \
            -o "$work/$via.db" >"$work/$via.txt" 2>&1 || fail "$filter: $(cat "$work/$via.txt")"
        head -n 1 "$work/$via.txt" | grep -qF "Selected: $filter. " || fail "$via: $filter is not in the first line"
    done
    same "$work/process.db" "$work/lttng.db"
    rule=$(sqlite3 "$work/lttng.db" "select value from run_info where key = 'sum_rule'")
    [ "${rule#not applicable}" != "$rule" ] || fail "$filter: the sum rule is '$rule'"
}

compare 'after=2,function=re*'
compare 'around=log'
# Calls are followed where something is selected.
for filter in 'function=re*' 'after=2' 'start=gas,stop=log' 'pc=0..2000,around=log'; do
    compare "$filter" --instrument counts,edges,hostcalls,calls
done
grep -q '^call_node' "$work/a.txt" || fail "no calls are compared"

# From outside: the process knows nothing of it.
start_daemon
start_session outside 'pvm:*' --output="$work/trace"
for filter in service=0,start=gas,stop=log service=9 nonsense; do
    PVM_TRACE=lttng PVM_TRACE_FILTER=$filter timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
done
stop_session outside
"$pvmscope" import "$work/trace" -o "$work/import.db" >"$work/import.txt"
"$pvmscope" record "$blobs/service.polkavm" --entry refine --select service=0,start=gas,stop=log \
    --instrument counts,edges,hostcalls,blocks -o "$work/process.db" >"$work/process.txt"
sqlite3 "$work/import.db" "update program set name = '$blobs/service.polkavm'"
same "$work/process.db" "$work/import.db"
echo "selected the same: $(grep -c host_call "$work/a.txt") rows of host calls"
