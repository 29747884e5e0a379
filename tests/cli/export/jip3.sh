# Cost records: every entry, their sums, and their octets.
exec 2>&1
cp "$GUESTS/service.jam" "$GUESTS/service.polkavm" .
show()
{
    python3 -c '
import json, struct, sys
for record in json.load(sys.stdin):
    costs = {key: value for key, value in record.items() if isinstance(value, dict)}
    octets = bytes.fromhex(record["octets"])
    counts = record["record"] == "accumulate" and struct.unpack_from("<3I", octets) or ()
    gas = struct.unpack_from("<Q", octets, 4 * len(counts))[0]
    print(record["record"], record["service"], {key: value["gas"] for key, value in costs.items() if value["gas"]},
          len(octets), counts, gas == record["total"]["gas"])
    assert sum(cost["ns"] for key, cost in costs.items() if key != "total") <= record["total"]["ns"]'
}
pvmscope record service.jam -o run.db >/dev/null
pvmscope export run.db --format jip3 | show
pvmscope export run.db --format jip3 --context is-authorized | show
pvmscope record service.jam --entry 5 -o run.db >/dev/null
pvmscope export run.db --format jip3 | show
pvmscope record service.polkavm --entry accumulate -o run.db >/dev/null
pvmscope export run.db --format jip3 | show
echo "-- what is missing is said"
pvmscope record service.jam --instrument counts -o run.db >/dev/null
pvmscope export run.db --format jip3 -o costs.json
echo "[$?]"
ls
