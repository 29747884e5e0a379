#!/bin/sh
# What the tracer loses is counted: tiny buffers and a flood of single block events. The file says that it is incomplete,
# no total is printed as if it were one, and without loss nothing of that appears.
set -eu
. "$(dirname "$0")/lib.sh"

start_daemon
timeout 90 lttng create flood --output="$work/flood" >"$work/lttng.log" 2>&1
timeout 90 lttng enable-channel -u -s flood --subbuf-size=4k --num-subbuf=2 --discard ch >>"$work/lttng.log" 2>&1
for event in program_load program_data execute_begin execute_end block_counts gas block; do
    timeout 90 lttng enable-event -u -s flood -c ch "pvm:$event" >>"$work/lttng.log" 2>&1 ||
        fail "$(cat "$work/lttng.log")"
done
timeout 90 lttng start flood >>"$work/lttng.log" 2>&1
PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/sieve.polkavm" --reg r7=1 --gas 10000000 >"$work/run.txt"
stop_session flood
"$pvmscope" import "$work/flood" -o "$work/flood.db" >"$work/import.txt" || true
lost=$(sqlite3 "$work/flood.db" "select sum(count) from lost_events where kind = 'event'")
[ "${lost:-0}" -gt 0 ] || fail "no loss was counted"
status=$(sqlite3 "$work/flood.db" "select value from run_info where key = 'status'")
[ "$status" = incomplete ] || fail "status $status"
"$pvmscope" report "$work/flood.db" >"$work/report.txt" 2>&1 || true
head -n 5 "$work/report.txt" | tr '\n' ' ' | grep -q 'incomplete: events are missing: see lost_events; .*--subbuf-size' || fail "the report's first lines hide the loss:
$(head -n 5 "$work/report.txt")"
echo "$lost events lost and counted"
