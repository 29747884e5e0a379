# Sourced by the tests in this folder: $1 is pvmscope. Leaves $pvmscope, $blobs and a clean $work, removed at the end.
pvmscope=$1
blobs=$(cd "$(dirname "$0")/../../examples/guest/blobs" && pwd)

. "$(dirname "$0")/../support/shell.sh"

for program in lttng lttng-sessiond lttng-relayd sqlite3 timeout; do
    command -v $program >/dev/null || skip "$program is not installed"
done
# Root's daemons share one folder: hide it behind an empty one of our own.
if [ "$(id -u)" -eq 0 ] && [ "${PVM_LTTNG_ISOLATED:-}" != yes ]; then
    mkdir -p /var/run/lttng
    if unshare -m true 2>/dev/null; then
        PVM_LTTNG_ISOLATED=yes exec unshare -m sh -c \
            'mount -t tmpfs -o mode=0755 tmpfs /var/run/lttng && exec sh "$0" "$@"' "$0" "$@"
    fi
    skip "root may not make a mount namespace, and the shared session daemon is not for tests"
fi

work=$(mktemp -d /tmp/pvm-lttng-test-XXXXXX)
# A process that waits longer than this for the daemon runs untraced: on a machine that is busy 3 s, LTTng's own, may be too short.
export LTTNG_HOME="$work/home" LTTNG_UST_REGISTER_TIMEOUT=30000
mkdir -p "$LTTNG_HOME"
if [ "$(id -u)" -eq 0 ]; then
    run_folder=/var/run/lttng
else
    run_folder=$LTTNG_HOME/.lttng
fi

cleanup()
{
    if [ -s "$run_folder/lttng-sessiond.pid" ]; then
        kill "$(cat "$run_folder/lttng-sessiond.pid")" 2>/dev/null
    fi
    [ -z "${relay:-}" ] || kill "$relay" 2>/dev/null || true
    [ -z "${process:-}" ] || kill -9 "$process" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# start_node PROGRAM EVERY: node.c, traced, in the background: $process
start_node()
{
    PVM_TRACE=lttng "$1" "$blobs/service.polkavm" refine 300 "$2" >"$work/node.log" 2>"$work/node.dots" &
    process=$!
}

# executions: of the node so far
executions()
{
    wc -c <"$work/node.dots"
}

has_executed()
{
    [ "$(executions)" -ge "$1" ]
}

# wait_for_executions MORE: of the node
wait_for_executions()
{
    wait_for 60 has_executed $(($(executions) + $1)) || fail "the node stands still: $(cat "$work/node.log" "$work/node.dots")"
}

# end_node: it ends by itself, and well
end_node()
{
    kill -TERM "$process" 2>/dev/null || fail "the node is gone: $(cat "$work/node.log" "$work/node.dots")"
    wait "$process" || fail "the node failed: $(cat "$work/node.log" "$work/node.dots")"
    process=
}

# start_daemon: a session daemon
start_daemon()
{
    timeout 90 lttng-sessiond --daemonize --no-kernel >"$work/daemon.log" 2>&1 ||
        skip "lttng-sessiond does not start: $(tail -n 1 "$work/daemon.log")"
}

# start_session NAME EVENTS OPTIONS_OF_CREATE...: a session that records them
start_session()
{
    session=$1 events=$2
    shift 2
    timeout 90 lttng create "$session" "$@" >"$work/lttng.log" 2>&1 &&
        timeout 90 lttng enable-channel -u -s "$session" --subbuf-size=1M --num-subbuf=8 ch \
            >>"$work/lttng.log" 2>&1 &&
        timeout 90 lttng enable-event -u -s "$session" -c ch "$events" >>"$work/lttng.log" 2>&1 &&
        timeout 90 lttng start "$session" >>"$work/lttng.log" 2>&1 || fail "$(cat "$work/lttng.log")"
}

stop_session()
{
    timeout 60 lttng stop "$1" >>"$work/lttng.log" 2>&1 || fail "$(cat "$work/lttng.log")"
    timeout 60 lttng destroy "$1" >>"$work/lttng.log" 2>&1 || fail "$(cat "$work/lttng.log")"
}

# dump FILE: everything in a run file that is no time
dump()
{
    sqlite3 "$1" "
select 'info', key, value from info where key in ('sum_rule', 'status', 'reason') order by key;
select 'program', id, name, spec, format, code_bytes, blocks, error, hex(blob) from program order by id;
select 'symbols', program, hex(blob) from program_symbols order by 2;
select 'vm', id, program, parent, service, backend from vm order by id;
select 'execution', id, vm, kind, entry_pc, result, exit_pc, fault_address, gas_start, gas_added, gas_end, blocks_gas,
       host_gas, host_calls, difference, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, hex(arguments)
from execution order by id;
select 'total', executions, host_calls, gas_start, gas_added, gas_end, gas_used, blocks_gas, host_gas, difference, result
from total;
select 'function', program, id, pc, name, source from function order by 2, 3;
select 'block', * from block order by 2, 3;
select 'edge', * from edge order by 2, 3, 4, 5;
select 'cut', * from cut order by 2, 3;
select 'call_node', * from call_node order by 2;
select 'call_total', * from call_total order by 2, 3;
select 'indirect_jump', * from indirect_jump order by 2, 3, 4;
select 'host_site', program, pc, func_id, calls, gas from host_site order by 2, 3;
select 'host_slice', seq, width, program, func_id, calls, gas from host_slice order by 2, 4, 5;
select 'host_function', * from host_function order by 2, 3;
select 'host_call', seq, execution, vm, pc, func_id, gas_before, gas_after, result, r0, r1, r2, r3, r4, r5, r6, r7, r8,
       r9, r10, r11, r12
from host_call order by seq;
select 'register', * from host_call_register order by 2, 3;
select 'memory', seq, address, is_write, hex(data) from host_memory order by id;
select 'host_total', vm, func_id, calls, gas, gas_added from host_total order by 2, 3;
select 'flight', * from flight order by 2;
select 'frame', * from flight_frame order by 2, 3;
select 'flight_call', * from flight_call order by 2, 3;
select 'flight_block', * from flight_block order by 2, 3;
select 'trace', execution, first, count, pcs_packed, hex(pcs), gas_packed, hex(gas) from block_trace order by 2, 3;
select 'trace_call', * from block_trace_call order by 2;
select 'lost', * from lost_events;"
}

# same A.db B.db: nothing but times differs
same()
{
    dump "$1" >"$work/a.txt"
    dump "$2" >"$work/b.txt"
    [ -s "$work/a.txt" ] || fail "$1 holds nothing"
    diff "$work/a.txt" "$work/b.txt" >"$work/diff.txt" || fail "$1 and $2 differ:
$(head -n 10 "$work/diff.txt" | cut -c 1-300)"
}
