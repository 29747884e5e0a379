# Every figure of every table says what it is worth, in every format; totals that do not agree are refused.
cp "$GUESTS/service.polkavm" .
for backend in interpreter recompiler; do
    pvmscope record service.polkavm --entry accumulate --backend $backend --instrument counts,edges,hostcalls,calls \
        -o $backend.db >/dev/null 2>&1 || { echo 'no recompiler here' && exit 77; }
    # Samples whose figures are known.
    sqlite3 $backend.db "
        INSERT INTO sample_total SELECT id, 999, 10000, 0, 1000000000 FROM vm;
        INSERT INTO sample SELECT program, pc, pc, function, 0 FROM block;
        UPDATE sample SET samples = 10000 WHERE pc = (SELECT pc FROM block ORDER BY gas DESC LIMIT 1)"
done
cp recompiler.db lost.db
sqlite3 lost.db "INSERT INTO lost VALUES ('host_call', 3)"
cp recompiler.db broken.db
sqlite3 broken.db "UPDATE block SET gas = gas + 7 WHERE pc = (SELECT pc FROM block ORDER BY gas DESC LIMIT 1)"
# all FILE: every table of one recording, as JSON
all()
{
    pvmscope report "$1" --format json
    for by in function block edge path line opcode hostcall service; do
        pvmscope report "$1" --by $by --format json
    done
    pvmscope report "$1" --tree --format json
    pvmscope hostcalls "$1" --format json
    pvmscope hostcalls "$1" --fold --format json
    pvmscope hostcalls "$1" --latency --format json
    pvmscope annotate "$1" --format json
    pvmscope export "$1" --format json
}
for file in recompiler lost broken; do
    all $file.db >$file.json
done
for spec in 0.7.2 latest64; do
    pvmscope recost recompiler.db --spec $spec --format json
done >>recompiler.json
pvmscope recost lost.db --spec latest64 --format json >>lost.json
pvmscope compare interpreter.db recompiler.db --format json >>recompiler.json
pvmscope compare interpreter.db lost.db --format json | sed 's/"notes"/"both": 0, &/' >>lost.json
pvmscope check recompiler.db --baseline gas.txt --write-baseline
pvmscope check recompiler.db --baseline gas.txt --format json >>recompiler.json
cat >check.py <<'E2'
import json, sys

def documents(path):
    text = open(path).read()
    at = 0
    while at < len(text.rstrip()):
        value, end = json.JSONDecoder().raw_decode(text[at:].lstrip())
        at += len(text[at:]) - len(text[at:].lstrip()) + end
        yield value

NAMES = {"pc", "end_pc", "from_pc", "to_pc", "block", "target", "line", "seq", "vm", "service", "func_id", "id",
         "entry_pc", "result", "depth"}
seen = set()
for document in documents(sys.argv[1]):
    certainty = document["certainty"]
    both = document.pop("both", None)
    for key, table in document.items():
        rows = table if isinstance(table, list) else [table] if isinstance(table, dict) else []
        if key in ("certainty", "notes") or not rows:
            continue
        for column, value in rows[0].items():
            known = certainty.get(f"{key}.{column}")
            if known is None:
                assert isinstance(value, str) or value is None or column in NAMES, (key, column, value)
                continue
            seen.add(known)
            if known == "sampled":
                stem = column.replace("_low", "").replace("_high", "")
                ends = {other for other in rows[0] if other.replace("_low", "").replace("_high", "") == stem}
                assert len(ends) == 3, (key, column, ends)
                assert "samples" in rows[0] or "slow_samples" in rows[0], (key, column)
            if sys.argv[1] in ("lost.json", "broken.json") and both is None:
                assert known != "exact" or column in ("cost", "instructions"), (key, column)
    if sys.argv[1] == "broken.json":
        assert any("difference -7" in note for note in document["notes"]), document["notes"]
        for table in document.values():
            for row in table if isinstance(table, list) else [table]:
                if isinstance(row, dict):
                    assert all(row.get(name) is None for name in ("gas_used", "blocks_gas", "share")), row
print(sys.argv[1], *sorted(seen))
E2
for file in recompiler lost broken; do
    python3 check.py $file.json
done
# For people the header says it, and a line in front says what the sign means.
pvmscope report broken.db | sed -n '1,/^result/p'
pvmscope report lost.db --by hostcall | sed -n '1,/^host call/p' | tr -s ' '
pvmscope recost lost.db --spec 0.7.2 --top 1 | grep '[*?]'
# CSV has no place for it.
pvmscope report lost.db --by function --top 1 --format csv 2>&1 >/dev/null
for command in compare\ interpreter.db recost\ --spec\ latest64 check\ --baseline\ gas.txt; do
    pvmscope $command broken.db 2>&1
    echo "[$?]"
done
