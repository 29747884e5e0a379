# A timeline of more host calls than a viewer can open: told in pieces, without a loss.
cat >long.asm <<'END'
.spec 0.8.0
    load_imm r2, 1000002
    fallthrough
loop: ecalli 1
    ecalli 2
    add_imm_64 r2, r2, -2
    branch_ne_imm r2, 0, @loop
    trap
END
pvmscope asm long.asm -o long.pvm
pvmscope record long.pvm --spec 0.8.0 -o long.db >/dev/null
pvmscope export long.db --format perfetto -o long.json
pvmscope report long.db --by hostcall --format csv | cut -d , -f 1-4
python3 -c '
import collections, json
sums = collections.defaultdict(lambda: [0, 0, 0])
events = json.load(open("long.json"))["traceEvents"]
for event in events:
    if event["ph"] == "C":
        for i, key in enumerate(("calls", "gas", "ns")):
            sums[event["name"]][i] += event["args"][key]
for name, (calls, gas, ns) in sorted(sums.items()):
    print(name, calls, gas, ns > 0)
print(len(events) < 10000, [event["name"] for event in events if event["ph"] == "X"])
print([event["args"]["labels"] for event in events if event["name"] == "process_labels"])'
