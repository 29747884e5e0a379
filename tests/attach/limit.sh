#!/bin/sh
# Above --max-overhead less is collected, and what is left out is counted.
set -eu
. "$(dirname "$0")/lib.sh"

start_target t 4 20000 0 1
attach limited --pid $pid --max-overhead 1%
begin t
wait $collector || fail "$(cat "$work/limited.err")"
wait $pid || fail "the target came to harm"
recorded=$(query limited 'select count(*) from host_calls')
left_out=$(query limited "select value from run_info where key = 'attach_left_out'")
[ "$left_out" -gt 1000 ] || fail "left out: $left_out"
expect "calls" "$((recorded + $(lost limited)))" "$(calls t)"
expect "left out is all that is lost" "$left_out" "$(lost limited)"
grep -q "left out" "$work/limited.out" || fail "the summary does not say so"
