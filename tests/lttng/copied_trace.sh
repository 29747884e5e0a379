#!/bin/sh
# A session around an unprepared process: the trace is copied elsewhere, its process is gone, the original removed, and
# the import is what the process would have recorded itself. Two processes in one trace stay two.
set -eu
. "$(dirname "$0")/lib.sh"

start_daemon
start_session trace 'pvm:*' --output="$work/original"
PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
stop_session trace
cp -r "$work/original" "$work/copy"
rm -rf "$work/original"
"$pvmscope" import "$work/copy" -o "$work/import.db" >"$work/import.txt"
"$pvmscope" record "$blobs/service.polkavm" --entry refine --instrument counts,edges,hostcalls,blocks -o "$work/process.db" >"$work/process.txt"
# The trace does not know the file's name.
sqlite3 "$work/import.db" "update program set name = '$blobs/service.polkavm'"
same "$work/process.db" "$work/import.db"

# A program that is found in PATH finds its provider, too.
start_session path 'pvm:execute_end' --output="$work/path"
PATH=$(dirname "$pvmscope"):$PATH PVM_TRACE=lttng timeout 60 pvmscope run "$blobs/sieve.polkavm" --reg r7=1 --gas 100000 >"$work/run.txt"
stop_session path
[ -n "$(find "$work/path" -name metadata)" ] || fail "nothing was told by a program in PATH"

start_session twice 'pvm:*' --output="$work/two"
PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/sieve.polkavm" --reg r7=1 --gas 100000 >"$work/run.txt" &
first=$!
PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/quicksort.polkavm" --reg r7=1 --gas 100000 >"$work/run.txt"
wait $first
stop_session twice
"$pvmscope" import "$work/two" -o "$work/two.db" >"$work/import.txt"
counts=$(sqlite3 "$work/two.db" "select (select count(*) from vm), (select count(distinct process) from vm_process),
    (select count(*) from execution where difference = 0), (select sum(count) from lost_events)")
[ "$counts" = "2|2|2|" ] || fail "two processes: $counts"
echo "copied trace imported, two processes kept apart"
