#!/bin/sh
# Samples travel in the trace: the imported file has them, they reconcile, and reports show time.
set -eu
. "$(dirname "$0")/lib.sh"

for backend in interpreter recompiler; do
    timeout 120 "$pvmscope" record "$blobs/interp.polkavm" --reg r7=200 --backend $backend --via lttng \
        --instrument counts,calls,samples=2000 -o "$work/run.db" >"$work/out.txt" 2>&1 || fail "$(cat "$work/out.txt")"
    sqlite3 "$work/run.db" "SELECT sum(samples) > 0, sum(samples) = (SELECT samples FROM sample_total),
        (SELECT hz FROM sample_total), (SELECT duration_ns FROM sample_total) <= (SELECT duration_ns FROM total)
        , (SELECT sum(samples) FROM call_sample) BETWEEN 1 AND sum(samples) FROM sample" >"$work/sums.txt"
    [ "$(cat "$work/sums.txt")" = "1|1|2000|1|1" ] || fail "$backend: $(cat "$work/sums.txt")"
    "$pvmscope" report "$work/run.db" --by function --format csv 2>/dev/null | head -n 1 | grep -q time_ns ||
        fail "$backend: no times in the report"
    echo "$backend: $(sqlite3 "$work/run.db" "SELECT samples FROM sample_total") samples imported"
done

# A session that would take samples, and machines of which none are asked: nothing is said of them.
start_daemon
start_session plain 'pvm:*' --output="$work/plain"
PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
stop_session plain
"$pvmscope" import "$work/plain" -o "$work/plain.db" >"$work/import.txt" 2>&1 || fail "$(cat "$work/import.txt")"
! grep -qi 'tick\|sample' "$work/import.txt" || fail "not sampled, but: $(grep -i 'tick\|sample' "$work/import.txt")"
