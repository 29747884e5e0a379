#!/bin/sh
# Sessions that did not enable what an import needs: one line that says so and no file, or a file that says what is not in it. The
# tracer is not blamed for events whose begin nobody asked for.
set -eu
. "$(dirname "$0")/lib.sh"
always=pvm:program_load,pvm:program_data,pvm:execute_begin

# trace NAME EVENTS
trace()
{
    start_session "$1" "$2" --output="$work/$1"
    PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
    stop_session "$1"
}

# refused NAME MISSING
refused()
{
    status=0
    "$pvmscope" import "$work/$1" -o "$work/$1.db" >"$work/out.txt" 2>"$work/err.txt" || status=$?
    [ $status -eq 3 ] && [ ! -s "$work/out.txt" ] && [ ! -e "$work/$1.db" ] &&
        [ "$(cat "$work/err.txt")" = "pvmscope: $work/$1: the session did not enable $2, without which nothing can be imported; trace it again" ] ||
        fail "$1: exit $status: $(cat "$work/out.txt" "$work/err.txt")"
    echo "refused: $1"
}

# incomplete NAME MISSING
incomplete()
{
    "$pvmscope" import "$work/$1" -o "$work/$1.db" >"$work/out.txt" 2>&1 || fail "$1: $(cat "$work/out.txt")"
    said=$(sqlite3 "$work/$1.db" "select group_concat(value, ': ') from (select value from run_info where key in ('status', 'reason')
        order by key desc)")
    [ "$said" = "incomplete: the session did not enable $2" ] || fail "$1: $said"
    echo "incomplete: $1"
}

start_daemon
trace calls 'pvm_fast:*'
refused calls 'pvm:program_* and pvm:execute_begin'
trace ends "pvm:program_load,pvm:program_data,pvm:execute_end,pvm_fast:host_call"
refused ends pvm:execute_begin
trace executions "$always,pvm:execute_end"
incomplete executions 'host calls (pvm:host_call_*, or pvm_fast:*)'
trace begins "$always,pvm:host_call_begin"
incomplete begins 'pvm:execute_end and pvm:host_call_end'
trace blocks "$always,pvm:execute_end,pvm_fast:host_call,pvm:block_batch"
incomplete blocks pvm:block_counts
trace whole "$always,pvm:execute_end,pvm_fast:host_call"
"$pvmscope" import "$work/whole" -o "$work/whole.db" >"$work/out.txt" 2>&1 || fail "whole: $(cat "$work/out.txt")"
grep -q '^recording  *complete$' "$work/out.txt" || fail "whole: $(cat "$work/out.txt")"
