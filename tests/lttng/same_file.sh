#!/bin/sh
# record --via lttng writes the same file as record in process: counts, gas, edges, calls, host calls, memory, arguments, blocks
# in order.
set -eu
. "$(dirname "$0")/lib.sh"

# compare FILE OPTIONS...: record it both ways
compare()
{
    timeout 60 "$pvmscope" record "$@" -o "$work/process.db" >"$work/process.txt" || true
    timeout 120 "$pvmscope" record "$@" --via lttng -o "$work/lttng.db" >"$work/lttng.txt" 2>&1 || true
    [ -s "$work/lttng.db" ] || fail "$(cat "$work/lttng.txt")"
    same "$work/process.db" "$work/lttng.db"
    echo "same: $*, $(wc -l <"$work/a.txt") rows"
}

compare "$blobs/sieve.polkavm" --reg r7=1
compare "$blobs/sieve.polkavm" --reg r7=1 --gas 500000 --backend interpreter
compare "$blobs/service.polkavm" --entry refine
compare "$blobs/service.polkavm" --entry refine --gas 30000 --instrument counts,hostcalls,flight
compare "$blobs/service-0.7.2.polkavm" --entry refine --instrument counts,hostcalls,calls
compare "$blobs/service-0.7.2.polkavm" --entry refine --gas 3001 --instrument counts,calls
grep -q '^cut|' "$work/a.txt" || fail "where a block was cut is not compared"
compare "$blobs/recursive.polkavm" --reg r7=1 --instrument counts,edges,calls
compare "$blobs/service.polkavm" --entry refine --gas 30000 --instrument flight
compare "$blobs/sieve.polkavm" --reg r7=1 --instrument counts,blocks
compare "$blobs/service.polkavm" --entry refine --gas 30000 --instrument counts,hostcalls,gas
grep -q '^trace|' "$work/a.txt" || fail "blocks in order are not compared"
for trace in "$(dirname "$0")"/../../../shared/vectors/ecalli/trace-001.log; do
    [ ! -e "$trace" ] || compare "$trace" --instrument counts,edges,hostcalls,memory
done
# A machine inside of a machine.
"$pvmscope" asm "$(dirname "$0")/../cli/host/inner_machine.asm" -o "$work/inner.pvm"
"$pvmscope" convert "$work/inner.pvm" -o "$work/inner.jam"
for flags in counts,edges,hostcalls counts,edges,hostcalls,calls hostcalls,memory; do
    compare "$work/inner.jam" --spec 0.7.2 --host jam --instrument $flags
    grep -q '^vm|2|2|1|' "$work/a.txt" || fail "$flags: no machine inside of another: $(grep '^vm' "$work/a.txt")"
done
[ "$(ls -d /tmp/pvmscope-lttng-* 2>/dev/null | wc -l)" -eq 0 ] || echo "note: a session folder of another run is there"
