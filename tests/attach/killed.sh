#!/bin/sh
# Whoever is killed in the middle: the collector (the target goes on, its file opens and says so, attaching again works), or
# the target (the collector finishes its file by itself).
set -eu
. "$(dirname "$0")/lib.sh"

start_target long 300 20000 0 1
attach first --pid $pid
begin long
wait_for 60 has_calls first 1000 || fail "little was kept"
kill -9 $collector
wait $collector 2>/dev/null || true
expect "status of a killed recording" "$(query first "select value from run_info where key = 'status'")" recording
"$pvmscope" report "$work/first.db" | grep -qi "recording" || fail "report does not say that it was cut off"
has_calls first 1000 || fail "what was there is gone"
attach second --pid $pid
wait_for 60 has_calls second 1000 || fail "the target stood still"
stop_collecting second
kill -0 $pid || fail "the target came to harm"
# One that was under way when the probes were taken away may be missing: the target goes on.
[ "$(lost second)" -le 1 ] || fail "lost by the second: $(lost second)"
echo "the target went on"

start_target short 300 20000 100 1
attach third --pid $pid
begin short
wait_for 60 has_calls third 1000 || fail "little is recorded"
kill -9 $pid
wait $collector || fail "the collector failed with its target: $(cat "$work/third.err")"
has_calls third 1000 || fail "little was kept"
status=$(query third "select value from run_info where key = 'status'")
[ "$status" = complete ] || [ "$status" = interrupted ] || fail "status $status"
echo "the collector ended"
