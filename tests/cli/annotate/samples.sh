# Time beside gas below the block: every sample of guest code stands at one line, one opcode, one instruction.
. "$CLI/lib.sh"
cp "$GUESTS/quicksort.polkavm" .
for backend in recompiler interpreter; do
    pvmscope record quicksort.polkavm --backend $backend --reg r7=60 --instrument counts,edges,samples=999 -o run.db >/dev/null
    placed=$(sqlite3 run.db 'SELECT total(samples) FROM sample WHERE pc >= 0' | cut -d. -f1)
    [ "$placed" -gt 0 ] || echo "$backend: no samples"
    for by in line opcode; do
        pvmscope report run.db --by $by --top 0 --format json 2>/dev/null |
            python3 -c 'import json, sys
rows, = (value for key, value in json.load(sys.stdin).items() if key not in ("certainty", "notes"))
assert all(row["time_share_low"] <= row["time_share"] <= row["time_share_high"] for row in rows if row["samples"] is not None)
assert sum(row["samples"] or 0 for row in rows) == int(sys.argv[1]), (sum(row["samples"] or 0 for row in rows), sys.argv[1])' $placed
    done
    pvmscope annotate run.db | grep -c '^  ~time' >/dev/null || echo "$backend: annotate shows no time"
    pvmscope report run.db --by line --top 3 | awk 'length($0) > 82'
done
pvmscope record quicksort.polkavm -o run.db >/dev/null
pvmscope annotate run.db | grep -c '~time'
pvmscope report run.db --by line --format csv 2>/dev/null | head -n 1
# Where only time was taken: the function that took most.
cp "$GUESTS/interp.polkavm" .
pvmscope record interp.polkavm --reg r7=200 --instrument samples=2000 -o run.db >/dev/null
pvmscope annotate run.db | sed -n '/^$/,/gas not/p'
