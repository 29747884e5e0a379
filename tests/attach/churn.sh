#!/bin/sh
# Machines that are made, run and freed as fast as it goes, each with a program of its own: more than can be recorded, maybe,
# but every host call is in the file or counted as lost, memory stays bounded, and collecting ends soon after the target, or
# when it is told to.
set -eu
. "$(dirname "$0")/lib.sh"
target=$(dirname "$2")/pvm-attach-churn
# Of a computer that others use too; a collector that falls behind for good takes minutes.
soon=60
kib_max=1500000

# peak: high-water mark of the memory of the collector so far
peak()
{
    awk '$1 == "VmHWM:" { print $2 }' "/proc/$collector/status" 2>/dev/null
}

# watch_end NAME: wait for the collector; $took is how many seconds it needed, $kib what memory
watch_end()
{
    began=$(date +%s)
    while kill -0 "$collector" 2>/dev/null && [ $(($(date +%s) - began)) -lt 120 ]; do
        now=$(peak) || true
        kib=${now:-$kib}
        sleep 0.1
    done
    took=$(($(date +%s) - began))
    ! kill -0 "$collector" 2>/dev/null || fail "still at work $took s after the end"
    wait "$collector" || fail "attach: $(cat "$work/$1.err")"
}

# run_one NAME ARGUMENTS...
run_one()
{
    name=$1
    kib=0
    shift
    start_target "$name" "$@"
    of_target=$pid
    attach "$name" --pid "$pid"
    begin "$name"
}

check()
{
    [ "$took" -le $soon ] || fail "$1: $took s to the end"
    [ "$kib" -gt 0 ] && [ "$kib" -le $kib_max ] || fail "$1: $kib KiB of memory"
    expect "$1: machines with more calls than theirs" \
        "$(query "$1" 'select count(*) from (select vm from host_calls group by vm having count(*) > 3)')" 0
}

for programs in 1 200000; do
    run_one p$programs 4 3 2 $programs
    wait "$of_target" || fail "the target came to harm"
    watch_end p$programs
    check p$programs
    expect "calls, $programs programs" "$(calls p$programs)" \
        "$(($(query p$programs 'select count(*) from host_calls') + $(lost p$programs)))"
done

# Told to end while the target goes on.
run_one stopped 300 3 2 200000
wait_for 60 has_calls stopped 100000 || fail "hardly a call in a minute"
kill -INT "$collector"
watch_end stopped
check stopped
has_calls stopped 100000 || fail "what was recorded is gone"
kill -0 "$of_target" || fail "the target came to harm"
