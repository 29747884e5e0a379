#!/bin/sh
# Attached and let go 100 times while it works: the target does not notice, and nothing stays behind in it.
set -eu
. "$(dirname "$0")/lib.sh"
again=$4

start_target t 600 2000 20 1
begin t
"$again" $pid 2 >"$work/again.txt" 2>&1 || {
    grep -q "eBPF\|uprobes\|permitted" "$work/again.txt" && skip "$(cat "$work/again.txt")"
    fail "$(cat "$work/again.txt")"
}
files=$(ls /proc/$pid/fd | wc -l)
maps=$(wc -l </proc/$pid/maps)
timeout 500 "$again" $pid 98 || fail "cannot attach any more"
kill -0 $pid || fail "the target ended"
expect "open files of the target" "$(ls /proc/$pid/fd | wc -l)" "$files"
# A page for the kernel's jumps may stay.
[ "$(wc -l </proc/$pid/maps)" -le $((maps + 1)) ] || fail "mappings are left: $(cat /proc/$pid/maps)"
echo "nothing is left"
