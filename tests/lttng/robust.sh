#!/bin/sh
# What happens to traced processes in production: they end without tidying up, fork, sessions come and go while they run, and
# the session daemon is killed. Nothing that was told before is lost, and no process notices.
set -eu
. "$(dirname "$0")/lib.sh"
node=$2 forker=$3
fork_library=$(ldconfig -p 2>/dev/null | sed -n 's/.*liblttng-ust-fork\.so\.1 .*=> //p' | head -n 1)

# import NAME: the trace of that name
import()
{
    timeout 60 "$pvmscope" import "$work/$1" -o "$work/$1.db" >"$work/import.txt" 2>&1 ||
        fail "$1: $(cat "$work/import.txt")"
}

ask()
{
    sqlite3 "$work/$1.db" "$2"
}

# is NAME SQL ANSWER
is()
{
    answer=$(ask "$1" "$2")
    [ "$answer" = "$3" ] || fail "$1: $2: '$answer', not '$3'"
}

start_daemon

# Machines that nobody destroys, and a child of fork(): each machine belongs to the process that
# runs it, also one that the child inherited.
start_session fork 'pvm:*' --output="$work/fork"
PVM_TRACE=lttng LD_PRELOAD=$fork_library timeout 60 "$forker" "$blobs/service.polkavm" refine >"$work/pids" 2>"$work/forker.log" ||
    fail "forker: $(cat "$work/forker.log")"
stop_session fork
import fork
read -r parent child <"$work/pids"
is fork 'select group_concat(of) from (select v.service || p.process as of from vm v join vm_process p on p.vm = v.id
    order by v.service, v.id)' "1$parent,1$child,2$child,3$parent"
is fork "select count(*), min(difference), max(difference), count(distinct host_calls), min(host_calls) > 0 from execution
    where result = 'halt'" '4|0|0|1|1'
is fork 'select (select count(*) from host_call) = (select sum(host_calls) from execution), (select count(*) from lost_events)' '1|0'
echo "left open and forked: four machines of two processes"

# A session that begins and ends while the process, which loaded the provider before there was one, runs.
start_node "$node" 0
wait_for_executions 5
start_session middle 'pvm:*' --output="$work/middle"
wait_for_executions 10
stop_session middle
end_node
import middle
is middle "select count(*) > 5, max(abs(difference)) from execution where result = 'halt'" '1|0'
is middle 'select count(*) > 0, count(gas_after) > 0, count(distinct process) from host_call join vm_process using (vm)' '1|1|1'
echo "a session in the middle: $(ask middle 'select count(*) from host_call') host calls"

# The daemon is killed: the process goes on to its end, and what was written can be read.
start_session killed 'pvm:*' --output="$work/killed"
timeout 60 "$node" "$blobs/service.polkavm" refine 1 0 >"$work/expected.log" 2>"$work/dots" &&
    [ -s "$work/expected.log" ] || fail "the node fails untraced"
start_node "$node" 0
wait_for_executions 10
timeout 90 lttng rotate killed >>"$work/lttng.log" 2>&1 || fail "$(cat "$work/lttng.log")"
wait_for_executions 5
kill -9 "$(cat "$run_folder/lttng-sessiond.pid")"
wait_for_executions 20
end_node
cmp "$work/expected.log" "$work/node.log" || fail "the node's output differs"
import killed
is killed "select count(*) > 5, max(abs(difference)) from execution where result = 'halt'" '1|0'
rm -f "$run_folder/lttng-sessiond.pid"
echo "without the daemon: $(ask killed "select count(*) from execution where result = 'halt'") executions were written"
