#!/bin/sh
# Whoever is killed in the middle: the collector (the target goes on, its file opens and says so, attaching again works), or
# the target (the collector finishes its file by itself).
set -eu
. "$(dirname "$0")/lib.sh"

start_target long 60 20000 0 1
attach first --pid $pid
begin long
sleep 0.7
kill -9 $collector
wait $collector 2>/dev/null || true
expect "status of a killed recording" "$(query first "select value from run_info where key = 'status'")" recording
"$pvmscope" report "$work/first.db" | grep -qi "recording" || fail "report does not say that it was cut off"
[ "$(query first 'select count(*) from host_calls')" -gt 1000 ] || fail "little was kept"
attach second --pid $pid --duration 1
wait $collector || fail "attach again: $(cat "$work/second.err")"
kill -0 $pid || fail "the target came to harm"
[ "$(query second 'select count(*) from host_calls')" -gt 1000 ] || fail "the target stood still"
# One that was under way when the probes were taken away may be missing: the target goes on.
[ "$(lost second)" -le 1 ] || fail "lost by the second: $(lost second)"
echo "the target went on"

start_target short 20 20000 100 1
attach third --pid $pid
begin short
sleep 0.7
kill -9 $pid
wait $collector || fail "the collector failed with its target: $(cat "$work/third.err")"
[ "$(query third 'select count(*) from host_calls')" -gt 1000 ] || fail "little was kept"
status=$(query third "select value from run_info where key = 'status'")
[ "$status" = complete ] || [ "$status" = interrupted ] || fail "status $status"
echo "the collector ended"
