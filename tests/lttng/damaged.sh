#!/bin/sh
# Damaged traces: cut off, without metadata, empty, with lengths and contents that lie. Each comes to one line and exit code 3, with
# what could be read before the damage in a file that says so, or without any file; never to a crash, a hang, or a file that was
# there before and is gone. And the same process id on two hosts is two processes.
set -eu
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "python3 is not installed"
# Sanitized builds: libbabeltrace2 forgets some octets of what it gives up in the middle.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

start_daemon
start_session whole 'pvm:*' --output="$work/whole"
PVM_TRACE=lttng timeout 60 "$pvmscope" run "$blobs/service.polkavm" --entry refine >"$work/run.txt"
stop_session whole
# Where its files are, and the stream that holds the events: one of each processor.
streams=$(dirname "$(find "$work/whole" -name metadata)")
streams=${streams#"$work/whole/"}
stream=$(ls -S "$work/whole/$streams"/ch_* | head -n 1)
stream=$(basename "$stream")
"$pvmscope" import "$work/whole" -o "$work/before.db" >"$work/import.txt"
calls=$(sqlite3 "$work/before.db" 'select count(*) from host_calls')

# damaged: a copy of the trace to damage: $copy and its folder of streams $in
damaged()
{
    copy=$work/copy in=$work/copy/$streams
    rm -rf "$copy"
    cp -r "$work/whole" "$copy"
}

# refused WHAT PATTERN: one line with that in it, exit code 3, and the old file untouched
refused()
{
    cp "$work/before.db" "$work/after.db"
    status=0
    timeout 20 "$pvmscope" import "$copy" -o "$work/after.db" >"$work/out.txt" 2>"$work/err.txt" || status=$?
    [ $status -eq 3 ] && [ ! -s "$work/out.txt" ] && [ "$(wc -l <"$work/err.txt")" -eq 1 ] && grep -q "$2" "$work/err.txt" ||
        fail "$1: exit $status: $(cat "$work/out.txt" "$work/err.txt")"
    cmp -s "$work/before.db" "$work/after.db" || fail "$1: the file that was there before is another one"
    [ -z "$(find "$work" -name 'after.db?*')" ] || fail "$1: leaves $(find "$work" -name 'after.db?*')"
}

damaged && rm "$in/metadata"
refused 'no metadata' 'it has a file metadata'
damaged && : >"$in/metadata"
refused 'empty metadata' 'metadata: is cut off or damaged'
damaged && truncate -s 5000 "$in/metadata"
refused 'half of the metadata' 'metadata: is cut off or damaged'
damaged && head -c 5000 /dev/zero >"$in/metadata"
refused 'zeros for metadata' 'cannot read the trace'
damaged && for file in "$in"/ch_*; do : >"$file"; done
refused 'no events' 'no pvm:\* event among its 0 events'
damaged && truncate -s 100 "$in/$stream"
refused 'a stream that is cut off' "cannot read the trace (is it whole?): .*$stream"
# The header of a packet, as LTTng writes it: magic number, lengths of content and packet.
for place in 0 48; do
    damaged
    printf '\377\377\377\377\377\377\377\177' | dd of="$in/$stream" bs=1 seek=$place conv=notrunc 2>/dev/null
    refused "a lie at $place" 'cannot read the trace\|breaks down'
done
echo "refused with one line each"

# In the middle: what was told before is kept.
damaged
size=$(stat -c %s "$in/$stream")
dd if=/dev/zero bs=1 count=2000 2>/dev/null | tr '\0' '\376' | dd of="$in/$stream" bs=1 seek=$((size * 2 / 3)) conv=notrunc 2>/dev/null
status=0
timeout 20 "$pvmscope" import "$copy" -o "$work/part.db" >"$work/out.txt" 2>"$work/err.txt" || status=$?
[ $status -eq 3 ] && [ "$(wc -l <"$work/err.txt")" -eq 1 ] && grep -q 'part.db has the [0-9]* events before that' "$work/err.txt" ||
    fail "in the middle: exit $status: $(cat "$work/err.txt")"
part=$(sqlite3 "$work/part.db" "select count(*) > 0, count(*) < $calls, (select sum(count) from lost_events),
    (select value from run_info where key = 'status') from host_calls")
[ "$part" = "1|1|1|incomplete" ] || fail "in the middle: $part"
"$pvmscope" report "$work/part.db" >"$work/report.txt" 2>&1 || true
head -n 3 "$work/report.txt" | tr '\n' ' ' | grep -q 'incomplete: .*/copy: ' || fail "the report hides it: $(head -n 3 "$work/report.txt")"
echo "in the middle: $(cat "$work/err.txt" | sed 's/.*; //')"

# Octets here and there: the same file in 60 ways.
python3 - "$work/whole/$streams" "$streams" "$pvmscope" "$work" <<'END'
import os, random, shutil, subprocess, sys

whole, streams, pvmscope, work = sys.argv[1:]
random.seed(4)
files = [name for name in ("metadata", *(n for n in os.listdir(whole) if n.startswith("ch_"))) if os.path.getsize(f"{whole}/{name}")]
for turn in range(60):
    shutil.rmtree(f"{work}/copy", ignore_errors=True)
    shutil.copytree(f"{work}/whole", f"{work}/copy")
    path = f"{work}/copy/{streams}/{files[turn % len(files)]}"
    octets = bytearray(open(path, "rb").read())
    for _ in range(random.choice((1, 3, 50))):
        near = random.randrange(2) == 0
        octets[random.randrange(min(300, len(octets)) if near else len(octets))] = random.choice((0, 127, 255))
    with open(path, "wb") as file:
        file.write(octets)
    if os.path.exists(f"{work}/f.db"):
        os.remove(f"{work}/f.db")
    done = subprocess.run([pvmscope, "import", f"{work}/copy", "-o", f"{work}/f.db"], capture_output=True, timeout=20)
    lines = done.stderr.decode(errors="replace").splitlines()
    assert done.returncode == 0 or done.returncode == 3 and len(lines) == 1, (turn, path, done.returncode, lines)
    assert not [name for name in os.listdir(work) if name.startswith("f.db.")], turn
print("60 ways to damage it")
END

# Two hosts with the same process id: the other one has another name, as long as the first.
host=$(sed -n 's/.*hostname = "\([^"]*\)".*/\1/p' "$work/whole/$streams/metadata" | head -n 1)
other=$(echo "$host" | tr 'a-yA-Y0-8z9' 'b-zB-Z1-9a0')
mkdir "$work/hosts"
cp -r "$work/whole" "$work/hosts/first"
cp -r "$work/whole" "$work/hosts/second"
LC_ALL=C sed -i "s/hostname = \"$host\"/hostname = \"$other\"/" "$work/hosts/second/$streams/metadata"
"$pvmscope" import "$work/hosts" -o "$work/hosts.db" >"$work/import.txt" 2>&1 || fail "two hosts: $(cat "$work/import.txt")"
counts=$(sqlite3 "$work/hosts.db" "select count(distinct vm), count(distinct host), count(distinct process),
    (select count(*) from execution where difference = 0), (select count(*) from host_calls), (select count(*) from lost_events)
    from vm_process")
[ "$counts" = "2|2|1|2|$((2 * calls))|0" ] || fail "two hosts: $counts"
echo "one process id on two hosts: two machines"

# Nobody there to read from.
status=0
timeout 20 "$pvmscope" import net://localhost:1/host/none/none -o "$work/live.db" >"$work/out.txt" 2>"$work/err.txt" || status=$?
[ $status -eq 3 ] && [ "$(wc -l <"$work/err.txt")" -eq 1 ] && grep -q 'cannot read from there (does lttng-relayd run?)' "$work/err.txt" ||
    fail "no relay: exit $status: $(cat "$work/err.txt")"
