#!/bin/sh
# Host calls of every shape come out the same in process and told by LTTng as one event, as two, in both ways at once, and to two
# sessions of which each wants another way; what one event cannot tell is shown: a call that was going on when the process was
# killed.
set -eu
. "$(dirname "$0")/lib.sh"
callers=$5
base=pvm:program_load,pvm:program_data,pvm:vm_create,pvm:vm_destroy,pvm:vm_reset,pvm:execute_begin,pvm:execute_end,pvm:gas_set
base=$base,pvm:flight,pvm:block_counts,pvm:edge_counts,pvm:host_memory,pvm:call_tree,pvm:indirect_jumps
whole=pvm_fast:host_call,pvm_fast:host_call_open
parts=pvm:host_call_begin,pvm:host_call_end
command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"

# run SHAPE: the host, whatever sessions there are
run()
{
    PVM_TRACE=lttng timeout 60 "$callers" "$1" >"$work/callers.log" 2>&1 || fail "$1: $(cat "$work/callers.log")"
}

# import NAME: the trace of that name
import()
{
    "$pvmscope" import "$work/$1" -o "$work/$1.db" >"$work/import.txt" 2>&1 || fail "$1: $(cat "$work/import.txt")"
    # Names of host and process are the trace's.
    sqlite3 "$work/$1.db" "delete from vm_process"
}

# trace NAME EVENTS SHAPE: what the events tell of it
trace()
{
    start_session "$1" "$2" --output="$work/$1"
    run "$3"
    stop_session "$1"
    import "$1"
}

# told NAME: how many events there are of each kind that tells a host call
told()
{
    babeltrace2 "$work/$1" >"$work/events.txt" 2>"$work/babeltrace.log" || fail "$(cat "$work/babeltrace.log")"
    grep -o 'pvm[a-z_]*:host_call[a-z_]*' "$work/events.txt" | sort | uniq -c | awk '{ printf "%s%s %s", n++ ? ", " : "", $2, $1 }'
}

start_daemon
for shape in shapes memory; do
    PVM_TRACE=record:$work/$shape.db timeout 60 "$callers" $shape >"$work/callers.log" 2>&1 || fail "$(cat "$work/callers.log")"
    trace whole-$shape "$base,$whole" $shape
    trace parts-$shape "$base,$parts" $shape
    trace all-$shape 'pvm*:*' $shape
    trace plain-$shape 'pvm:*' $shape
    # Two sessions, each with a way of its own: neither takes anything away from the other.
    start_session fast-$shape 'pvm_fast:*' --output="$work/fast-$shape"
    timeout 90 lttng enable-event -u -s fast-$shape -c ch 'pvm:*' --exclude 'pvm:host_call_*' >>"$work/lttng.log" 2>&1 ||
        fail "$(cat "$work/lttng.log")"
    start_session slow-$shape "$base,$parts" --output="$work/slow-$shape"
    run $shape
    stop_session slow-$shape
    stop_session fast-$shape
    import fast-$shape
    import slow-$shape
    for form in whole parts all plain fast slow; do
        # A recording by the process itself collects no blocks in order.
        sqlite3 "$work/$form-$shape.db" "delete from block_trace; delete from block_trace_call"
        same "$work/$shape.db" "$work/$form-$shape.db"
    done
    calls=$(sqlite3 "$work/$shape.db" "select count(*), count(result), (select count(*) from host_memory) > 0 from host_calls")
    echo "$shape: $calls"
done
[ "$calls" = "28|26|1" ] || fail "not the calls that were made: $calls"
two='pvm:host_call_begin 28, pvm:host_call_end 26'
for form in parts plain slow; do
    [ "$(told $form-memory)" = "$two" ] || fail "$form: $(told $form-memory)"
done
one=$(told whole-memory)
case $one in
'pvm_fast:host_call 26, pvm_fast:host_call_open '*) ;;
*) fail "whole: $one" ;;
esac
[ "$(told fast-memory)" = "$one" ] || fail "fast: $(told fast-memory)"
[ "$(told all-memory)" = "$two, $one" ] || fail "all: $(told all-memory)"
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
    # A file of its own: the shell may look before the process has emptied one that was there.
    PVM_TRACE=lttng "$callers" hang >"$work/hang-$form.log" 2>&1 &
    process=$!
    wait_for 60 grep -q 'in the call' "$work/hang-$form.log" || fail "it does not hang: $(cat "$work/hang-$form.log")"
    kill -9 $process
    wait $process 2>/dev/null || true
    stop_session hang-$form
    "$pvmscope" import "$work/hang-$form" -o "$work/hang-$form.db" >"$work/import.txt" 2>&1 || fail "$(cat "$work/import.txt")"
    open=$(sqlite3 "$work/hang-$form.db" "select count(*), count(result), (select result from gas_summary) from host_calls")
    echo "killed, $form: $open"
    [ "$open" = "$([ $form = whole ] && echo '6|6' || echo '7|6')|incomplete" ] || fail "killed, $form: $open"
    missing=$([ $form = whole ] && echo ', and a host call that was going on then is missing (pvm:host_call_begin would tell it)' || :)
    expected="interrupted: process $process was in the middle of an execution when the recording ended$missing; it"
    tr '\n' ' ' <"$work/import.txt" | grep -qF "This recording was $expected holds" || fail "killed, $form: $(head -n 4 "$work/import.txt")"
done
