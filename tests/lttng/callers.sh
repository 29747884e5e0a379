#!/bin/sh
# Host calls of every shape come out the same in process, told by LTTng as one event, as two, and as all that there is; what one
# event cannot tell is shown: a call that was going on when the process was killed.
set -eu
. "$(dirname "$0")/lib.sh"
callers=$5
base=pvm:program_load,pvm:program_data,pvm:vm_create,pvm:vm_destroy,pvm:vm_reset,pvm:execute_begin,pvm:execute_end,pvm:gas_set
base=$base,pvm:flight,pvm:block_counts,pvm:edge_counts,pvm:host_memory,pvm:call_tree,pvm:indirect_jumps
whole=pvm:host_call,pvm:host_call_open
parts=pvm:host_call_begin,pvm:host_call_end

# trace NAME EVENTS SHAPE: what the events tell of it
trace()
{
    start_session "$1" "$2" --output="$work/$1"
    PVM_TRACE=lttng timeout 60 "$callers" "$3" >"$work/callers.log" 2>&1 || fail "$3: $(cat "$work/callers.log")"
    stop_session "$1"
    "$pvmscope" import "$work/$1" -o "$work/$1.db" >"$work/import.txt" 2>&1 || fail "$1: $(cat "$work/import.txt")"
    # Names of host and process are the trace's; a recording by the process itself collects no calls.
    sqlite3 "$work/$1.db" "delete from vm_process"
}

start_daemon
for shape in shapes memory; do
    PVM_TRACE=record:$work/$shape.db timeout 60 "$callers" $shape >"$work/callers.log" 2>&1 || fail "$(cat "$work/callers.log")"
    trace whole-$shape "$base,$whole" $shape
    trace parts-$shape "$base,$parts" $shape
    trace all-$shape "$base,$whole,$parts" $shape
    for form in whole parts all; do
        same "$work/$shape.db" "$work/$form-$shape.db"
    done
    calls=$(sqlite3 "$work/$shape.db" "select count(*), count(result), (select count(*) from host_memory) > 0 from host_calls")
    echo "$shape: $calls"
done
[ "$calls" = "28|26|1" ] || fail "not the calls that were made: $calls"
# A host call takes as long as it took, however it is told: the host waits a millisecond before it reads memory.
for form in whole parts all; do
    short=$(sqlite3 "$work/$form-memory.db" "select count(*) from host_calls where func_id = 2 and duration_ns < 1000000")
    [ "$short" = 0 ] || fail "$form: $short calls took less than they did"
done
trace whole-calls "$base,$whole" calls
trace parts-calls "$base,$parts" calls
same "$work/whole-calls.db" "$work/parts-calls.db"
[ "$(sqlite3 "$work/whole-calls.db" 'select count(*) > 1, count(distinct program) from call_node')" = "1|3" ] ||
    fail "no calls of three programs"
echo "calls: $(sqlite3 "$work/whole-calls.db" 'select count(*) from call_node') contexts"

# The same with a filter from outside: of inner machines only, in which calls are followed all the same.
export PVM_TRACE_FILTER=service=2
trace whole-filter "$base,$whole" calls
trace parts-filter "$base,$parts" calls
unset PVM_TRACE_FILTER
same "$work/whole-filter.db" "$work/parts-filter.db"
filtered=$(sqlite3 "$work/whole-filter.db" "select (select group_concat(distinct service) from host_calls), (select count(*) from host_calls),
    (select count(*) from call_node), (select value from run_info where key = 'selected'), (select count(*) from lost_events)")
[ "$filtered" = "2|14|1|service=2|0" ] || fail "filtered: $filtered"

# Two threads: numbers follow begins, also where ends do not, and where a call takes longer than others wait for it.
trace threads "$base,pvm:block_batch,$whole" threads
order=$(sqlite3 "$work/threads.db" "select count(*), sum(later.started_ns < sooner.started_ns), count(distinct later.vm),
    (select count(*) from lost_events) from host_call later join host_call sooner on later.seq = sooner.seq + 1")
[ "$order" = "2399|0|2|0" ] || fail "two threads: $order"
places=$(sqlite3 "$work/threads.db" "select count(*), sum(t.execution <> c.execution), max(c.duration_ns) > 1500000000
    from block_trace_call t join host_call c using (seq)")
[ "$places" = "2400|0|1" ] || fail "two threads: host calls among the blocks: $places"

# One event tells nothing of a call that never ends; two tell its begin.
for form in whole parts; do
    eval "start_session hang-$form $base,\$$form --output=$work/hang-$form"
    PVM_TRACE=lttng "$callers" hang >"$work/hang.log" 2>&1 &
    process=$!
    waited=0
    until grep -qs 'in the call' "$work/hang.log"; do
        waited=$((waited + 1))
        [ $waited -lt 100 ] || fail "it does not hang: $(cat "$work/hang.log")"
        sleep 0.1
    done
    kill -9 $process
    wait $process 2>/dev/null || true
    stop_session hang-$form
    "$pvmscope" import "$work/hang-$form" -o "$work/hang-$form.db" >"$work/import.txt" 2>&1 || fail "$(cat "$work/import.txt")"
    open=$(sqlite3 "$work/hang-$form.db" "select count(*), count(result), (select result from gas_summary) from host_calls")
    echo "killed, $form: $open"
    [ "$open" = "$([ $form = whole ] && echo '6|6' || echo '7|6')|incomplete" ] || fail "killed, $form: $open"
done
