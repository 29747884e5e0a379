# --instrument samples=HZ: what it takes, and what comes of it. No times here, and no numbers of samples.
exec 2>&1
cp "$GUESTS/interp.polkavm" .
for list in samples=0 samples=10001 samples=often samples= hostcalls=9; do
    pvmscope record interp.polkavm --instrument counts,$list -o run.db
    echo "[$?]"
done
ls run.db
for backend in interpreter recompiler; do
    pvmscope record interp.polkavm --reg r7=200 --backend $backend --instrument counts,samples=2000 -o run.db >summary
    grep -c '^time in guest' summary
    pvmscope report run.db --by function | sed -n '1s/[0-9,]* samples/N samples/p; 5{s/  */ /g;s/ blocks//;p;}'
    pvmscope report run.db --format json 2>/dev/null | python3 -c '
import json, sys
report = json.load(sys.stdin)
rows = report["functions"]
total = report["summary"]["samples"]
print("all in the list:", sum(row["samples"] for row in rows) == total > 0)
print("intervals hold:", all(row["time_low_ns"] <= row["time_ns"] <= row["time_high_ns"] for row in rows))
print("shares add up:", abs(sum(row["time_share"] for row in rows) - 100) < 1e-6)
print("time:", abs(sum(row["time_ns"] for row in rows) - report["summary"]["guest_ns"]) <= len(rows))
print({key: value for key, value in report["certainty"].items() if key.startswith("functions")})'
    sqlite3 run.db "SELECT sum(samples) > 0, min(pc) >= -1, (SELECT hz FROM sample_total) FROM sample"
done
# Without a rate: 99 Hz. A run that is too short says so.
printf '\0\0\1\0\1' >trap.pvm
pvmscope record trap.pvm --instrument samples -o run.db | grep -e tick -e instrumentation
sqlite3 run.db "SELECT hz, samples FROM sample_total"
# Only where times of code would stand.
pvmscope record trap.pvm --instrument counts,hostcalls,samples -o run.db >/dev/null
pvmscope report run.db --by function | grep -c tick
pvmscope hostcalls run.db --fold | grep -c tick
pvmscope recost run.db --spec 0.8.0 | grep -c tick
echo "-- of a selection"
cp "$GUESTS/recursive.polkavm" .
pvmscope record recursive.polkavm --reg r7=20 --select 'function=takeuchi' --instrument counts,samples=999 -o part.db >/dev/null
pvmscope report part.db --by function --format csv 2>/dev/null | cut -d , -f 1 | grep takeuchi
# All other code is one row: nobody else has samples, and shares stay shares of all the time.
cp "$GUESTS/quicksort.polkavm" .
for backend in interpreter recompiler; do
    pvmscope record quicksort.polkavm --reg r7=200 --backend $backend --select 'function=pvm_guest_*' \
        --instrument counts,samples=2000 -o part.db >/dev/null
    sqlite3 part.db "SELECT count(*) FROM sample s JOIN function f ON f.program = s.program AND f.id = s.function
        WHERE f.name NOT GLOB 'pvm_guest_*'" \
        "SELECT samples > 0 FROM sample WHERE pc = -2" \
        "SELECT (SELECT sum(samples) FROM sample) = (SELECT sum(samples) FROM sample_total)"
    pvmscope report part.db --by function --format csv 2>/dev/null | cut -d , -f 1 | grep selected
    pvmscope export part.db --format folded --value time -o part.txt
    grep -o '^(not selected)' part.txt
    grep -c '^quicksort' part.txt
done
pvmscope record quicksort.polkavm --reg r7=200 --select after=1 --instrument counts,samples=2000 -o part.db >/dev/null
pvmscope report part.db --by function 2>&1 | sed -n '/sampled:/s/[0-9,]* samples/N samples/p'
