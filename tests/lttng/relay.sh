#!/bin/sh
# Nodes stream to a relay, one collector imports: two processes over lttng-relayd on loopback, finished and live.
set -eu
. "$(dirname "$0")/lib.sh"
command -v babeltrace2 >/dev/null || skip "babeltrace2 is not installed"

# listens PORT: somebody does
listens()
{
    awk -v port="$(printf ':%04X' "$1")\$" '$2 ~ port && $4 == "0A" { found = 1 } END { exit !found }' /proc/net/tcp
}

# is_relaying: it does, or never will
is_relaying()
{
    ! kill -0 $relay || { listens $port && listens $((port + 1)) && listens $((port + 2)); }
}

# Ports of our own, which others may have taken; below those that the system gives away.
for attempt in 1 2 3 4 5; do
    port=$((20000 + ($$ * 3 + attempt * 997) % 12000))
    lttng-relayd --output="$work/relay" --control-port=tcp://127.0.0.1:$port --data-port=tcp://127.0.0.1:$((port + 1)) \
        --live-port=tcp://127.0.0.1:$((port + 2)) >"$work/relay.log" 2>&1 &
    relay=$!
    wait_for 60 is_relaying || fail "lttng-relayd does not listen: $(tail -n 1 "$work/relay.log")"
    ! kill -0 $relay 2>/dev/null || break
done
kill -0 $relay 2>/dev/null || skip "lttng-relayd does not start: $(tail -n 1 "$work/relay.log")"
start_daemon

# Finished: the relay writes the trace, the collector imports it.
start_session nodes 'pvm:*' --set-url=net://127.0.0.1:$port:$((port + 1))
for guest in sieve quicksort; do
    PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/$guest.polkavm" --reg r7=1 --gas 100000 >"$work/run.txt"
done
stop_session nodes
"$pvmscope" import "$work/relay" -o "$work/relay.db" >"$work/import.txt"
counts=$(sqlite3 "$work/relay.db" "select (select count(distinct process) from vm_process),
    (select count(distinct host) from vm_process), (select count(*) from execution where difference = 0),
    (select sum(count) from lost_events)")
[ "$counts" = "2|1|2|" ] || fail "relay: $counts"

# Live: the reader attaches first; it ends when the session does.
start_session live 'pvm:*' --live=200000 --set-url=net://127.0.0.1:$port:$((port + 1))
timeout 90 "$pvmscope" import "net://127.0.0.1:$((port + 2))/host/$(hostname)/live" -o "$work/live.db" \
    >"$work/live.txt" 2>&1 &
reader=$!
is_read()
{
    babeltrace2 --input-format=lttng-live "net://127.0.0.1:$((port + 2))" | grep -q '/live (.* 1 client(s) connected)'
}
wait_for 60 is_read || fail "the live session is not read: $(cat "$work/live.txt")"
PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
sleep 1
stop_session live
wait $reader || fail "live import: $(cat "$work/live.txt")"
"$pvmscope" record "$blobs/service.polkavm" --entry refine -o "$work/process.db" >"$work/process.txt"
sqlite3 "$work/live.db" "update program set name = '$blobs/service.polkavm'"
same "$work/process.db" "$work/live.db"
echo "two processes over a relay, and live"
