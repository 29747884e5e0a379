#!/bin/sh
# The flight recorder of a long-running process: LTTng keeps the last seconds in memory, and writes them down when a run
# fails (a trigger on the event) and on demand. Both import like any trace, and show the way to the failure.
set -eu
. "$(dirname "$0")/lib.sh"
node=$2

start_daemon
timeout 90 lttng create recorder --snapshot --output="$work/snapshots" >"$work/lttng.log" 2>&1 ||
    fail "$(cat "$work/lttng.log")"
# Rings that hold a second at least, some 50 KiB an execution: twice in it one fails. Programs, which are told each five seconds,
# have some of their own.
timeout 90 lttng enable-channel -u -s recorder --subbuf-size=1M --num-subbuf=4 ch >>"$work/lttng.log" 2>&1
timeout 90 lttng enable-channel -u -s recorder --subbuf-size=512K --num-subbuf=4 programs >>"$work/lttng.log" 2>&1
timeout 90 lttng enable-event -u -s recorder -c ch 'pvm:*' --exclude 'pvm:program_*' >>"$work/lttng.log" 2>&1 &&
    timeout 90 lttng enable-event -u -s recorder -c programs 'pvm:program_*' >>"$work/lttng.log" 2>&1 ||
    fail "$(cat "$work/lttng.log")"
timeout 90 lttng start recorder >>"$work/lttng.log" 2>&1 || fail "$(cat "$work/lttng.log")"
timeout 90 lttng add-trigger --name=failed --condition=event-rule-matches --type=user --name='pvm:execute_end' \
    --filter='result == 1 || result == 2 || result == 4' \
    --action=snapshot-session recorder --rate-policy=once-after:1 >>"$work/lttng.log" 2>&1 ||
    skip "this LTTng has no triggers: $(tail -n 1 "$work/lttng.log")"

start_node "$node" 25
has_snapshot()
{
    [ -n "$(find "$work/snapshots" -name metadata)" ]
}
wait_for 60 has_snapshot || fail "no snapshot after a run out of gas: $(cat "$work/node.log" "$work/lttng.log")"
# The first is whole when a second one can be taken; which is when the program was told long ago.
wait_for_executions 75
timeout 90 lttng snapshot record -s recorder --name=demand >>"$work/lttng.log" 2>&1 || fail "$(cat "$work/lttng.log")"
end_node
timeout 90 lttng remove-trigger failed >>"$work/lttng.log" 2>&1 || true
timeout 90 lttng destroy recorder >>"$work/lttng.log" 2>&1 || true

[ "$(ls "$work/snapshots" | wc -l)" -eq 2 ] || fail "not two snapshots: $(ls "$work/snapshots")"
for snapshot in "$work"/snapshots/*; do
    name=$(basename "$snapshot" | cut -d- -f1)
    "$pvmscope" import "$snapshot" -o "$work/$name.db" >"$work/import.txt" 2>&1 || fail "$(cat "$work/import.txt")"
    shown=$("$pvmscope" report "$work/$name.db" 2>&1)
    # An execution in the middle of which the snapshot was taken is incomplete; the one out of gas is whole.
    ways=$(sqlite3 "$work/$name.db" "select count(*) > 0, min(e.difference = 0), max(f.found) from execution e
        join flight_frame f on f.execution = e.id where e.result = 'oog' and f.function = 'sample_payload'")
    [ "$ways" = "1|1|stopped here" ] || fail "$name: the way is not in the snapshot: $ways"
    echo "$shown" | grep -q 'Out of gas at pc .* in sample_payload' || fail "$name: the report does not show it: $shown"
done
echo "a snapshot when a run failed, and one on demand"
