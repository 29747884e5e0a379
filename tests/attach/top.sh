#!/bin/sh
# top: once for people and as JSON, on a terminal, and for Prometheus on loopback.
set -eu
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "python3 is not installed"

start_target t 300 20000 10 2
begin t
timeout 60 "$pvmscope" top --pid $pid --once --format json >"$work/once.json" 2>"$work/once.err" || {
    grep -q "eBPF\|uprobes\|permitted" "$work/once.err" && skip "$(cat "$work/once.err")"
    fail "$(cat "$work/once.err")"
}
python3 - "$work/once.json" <<'EOF' || fail "$(cat "$work/once.json")"
import json, sys
page = json.load(open(sys.argv[1]))
services = {row["service"]: row for row in page["services"]}
assert sorted(services) == [1, 2], services
assert all(row["host_calls_per_s"] > 0 and row["gas_per_s"] > 0 for row in services.values()), services
calls = page["host_calls"]
assert len(calls) == 1 and calls[0]["func_id"] == 3, calls
assert 0 < calls[0]["mean_ns"] and calls[0]["median_ns_below"] <= calls[0]["p99_ns_below"], calls
EOF
echo "as JSON: fine"
timeout 60 "$pvmscope" top --pid $pid --once >"$work/once.txt"
python3 -c 'import sys; sys.exit(any(len(line) > 81 for line in open(sys.argv[1], encoding="utf-8")))' "$work/once.txt" ||
    fail "wider than 80 columns: $(cat "$work/once.txt")"

# A terminal of 80 columns: each view, then q; the terminal is left as it was.
python3 - "$pvmscope" $pid <<'EOF' || fail "on a terminal"
import fcntl, os, pty, re, select, struct, sys, termios, time
pid, master = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], [sys.argv[1], "top", "--pid", sys.argv[2]])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
before = termios.tcgetattr(master)
seen = b""
def plain():
    return re.sub(rb"\x1b[\[(][0-9;?]*[A-Za-z]", b" ", seen)
def read_until(*words):
    global seen
    end = time.time() + 60
    while time.time() < end and not all(word in plain() for word in words):
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 65536)
            except OSError:
                return
read_until(b"host calls/s", b"gas/s", b"services by gas")
for key, words in ((b"h", b"host calls by gas"), (b"f", b"functions by"), (b"t", b"functions by")):
    os.write(master, key)
    read_until(words)
    assert words in plain(), (words, plain()[-2000:])
os.write(master, b"q")
read_until(b"never: to the end")
assert os.waitpid(pid, 0)[1] == 0
for word in (b"host calls/s", b"services by gas", b"gas/s"):
    assert word in plain(), (word, plain()[-2000:])
assert b"\x1b[?1049l" in seen or b"\x1b[?47l" in seen, "the screen was not given back"
EOF
echo "on a terminal: fine"

"$pvmscope" top --pid $pid --prometheus :0 >"$work/serve.txt" 2>&1 &
server=$!
running="$running $server"
wait_for 60 grep -q "port" "$work/serve.txt" || fail "$(cat "$work/serve.txt")"
port=$(sed 's/.*port \([0-9]*\).*/\1/' "$work/serve.txt")
python3 - "$port" <<'EOF' || fail "metrics"
import re, socket, sys, time, urllib.request, urllib.error
port = int(sys.argv[1])
def read_figures():
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
    figures = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(r'([a-z_0-9]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\})? ([0-9.e+-]+)', line)
            assert match, line
            figures.setdefault(match[1], []).append(float(match[3]))
    return figures
end = time.time() + 60
while sum(read_figures().get("pvm_host_call_seconds_count", [0])) <= 1000 and time.time() < end:
    time.sleep(0.1)
figures = read_figures()
assert sum(figures["pvm_host_calls_total"]) > 1000, figures
assert sum(figures["pvm_guest_gas_total"]) > 1000, figures
assert sum(figures["pvm_host_call_seconds_count"]) > 1000, figures
assert figures["pvm_processes"] == [1.0], figures
try:
    urllib.request.urlopen(f"http://127.0.0.1:{port}/other", timeout=30)
    raise SystemExit("another page is there")
except urllib.error.HTTPError as error:
    assert error.code == 404
own = socket.gethostbyname(socket.gethostname())
if not own.startswith("127."):
    try:
        socket.create_connection((own, port), timeout=2)
        raise SystemExit("served on more than loopback")
    except OSError:
        pass
EOF
kill -TERM $server
wait $server || fail "does not end cleanly"
echo "for Prometheus: fine"
status=0
"$pvmscope" top --pid $pid --prometheus nonsense >"$work/bad.txt" 2>&1 || status=$?
expect "a bad address" "$status $(wc -l <"$work/bad.txt")" "4 1"
