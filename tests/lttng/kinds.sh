#!/bin/sh
# Every event of trace/events.def that has an LTTng outlet goes through a real session: nothing in the table is only promised.
set -eu
. "$(dirname "$0")/lib.sh"
kinds=$4
command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"

# trace NAME EVENTS: the kinds that come of them go to $work/told
trace()
{
    start_session "$1" "$2" --output="$work/$1"
    PVM_TRACE=lttng timeout 60 "$kinds" "$blobs/service.jam" "$blobs/interp.polkavm" >"$work/kinds.log" 2>&1 ||
        fail "$(cat "$work/kinds.log")"
    stop_session "$1"
    babeltrace2 "$work/$1" >"$work/events.txt" 2>"$work/babeltrace.log" || fail "$(cat "$work/babeltrace.log")"
    sed -n 's/.* \(pvm[a-z_]*:[a-z_]*\): .*/\1/p' "$work/events.txt" | sort -u >>"$work/told"
}

start_daemon
trace kinds 'pvm:*'
! grep -v '^pvm:' "$work/told" || fail "told, but not of provider pvm"
trace fast 'pvm_fast:*,pvm:host_memory'
sort -u "$work/told" >"$work/seen"
sed -n 's/^PVM_EVENT(\([a-z_0-9]*\), \([a-z_]*\), \(LTTNG\|BOTH\|THINNED\),.*/\2:\1/p' "$(dirname "$0")/../../trace/events.def" |
    sort >"$work/table"
[ "$(wc -l <"$work/table")" -gt 20 ] || fail "the table is not understood: $(cat "$work/table")"
diff "$work/table" "$work/seen" >"$work/diff.txt" || fail "told, or not told (<): $(cat "$work/diff.txt")"
"$pvmscope" import "$work/kinds" -o "$work/kinds.db" >"$work/import.txt" 2>&1 || fail "$(cat "$work/import.txt")"
echo "$(wc -l <"$work/seen") kinds of events"
