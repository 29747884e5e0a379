#!/bin/sh
# A session that filters by service has each host call of that service whole, and no other. A trace of a version before, whose
# ends of host calls do not name the service, comes out the same.
set -eu
. "$(dirname "$0")/lib.sh"
callers=$5
# What does not depend on which machines are in the trace beside them.
calls="select func_id, pc, gas_before, gas_after, r7, r8, r9, result from host_calls where service = 2 order by seq"

# import NAME: the trace of that name
import()
{
    "$pvmscope" import "$work/$1" -o "$work/$1.db" >"$work/import.txt" 2>&1 || fail "$1: $(cat "$work/import.txt")"
}

start_daemon
start_session all 'pvm:*' --output="$work/all"
start_session one 'pvm:program_*' --output="$work/one"
timeout 90 lttng enable-event -u -s one -c ch 'pvm:*' --exclude 'pvm:program_*' --filter 'service == 2' >>"$work/lttng.log" 2>&1 ||
    fail "$(cat "$work/lttng.log")"
PVM_TRACE=lttng timeout 60 "$callers" shapes >"$work/callers.log" 2>&1 || fail "$(cat "$work/callers.log")"
stop_session one
stop_session all
import all
import one
sqlite3 "$work/all.db" "$calls" >"$work/expected"
sqlite3 "$work/one.db" "$calls" >"$work/got"
[ -s "$work/expected" ] || fail "no call of service 2 in the whole trace"
diff "$work/expected" "$work/got" >"$work/diff.txt" || fail "filtered: $(cat "$work/diff.txt")"
summary=$(sqlite3 "$work/one.db" "select group_concat(distinct service), count(*) = count(result),
    (select max(abs(difference)) from execution), (select count(*) from lost_events) from host_calls")
[ "$summary" = "2|1|0|0" ] || fail "filtered: $summary"
echo "service 2 alone: $(wc -l <"$work/got") host calls, each with its end"

metadata=$(find "$work/all" -name metadata)
grep -q '"pvm:host_call_end"' "$metadata" || fail "the metadata names no pvm:host_call_end"
sed -i '/"pvm:host_call_end"/,/^};/s/ _service;/ _unknown;/' "$metadata"
grep -q ' _unknown;' "$metadata" || fail "the metadata is not understood"
mv "$work/all.db" "$work/new.db"
import all
same "$work/new.db" "$work/all.db"
echo "an older trace: the same"
