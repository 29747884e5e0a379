# Every format says what the report of the same run says, to the unit.
exec 2>&1
# check NAME [OPTION...]: NAME.db, drawn with these options
check()
{
    mkdir -p "$1"
    run=$1
    shift
    pvmscope export "$run.db" --format json -o "$run/report.json"
    # Lines are told by place.
    case "$run$*" in calls | sampled) ;; *)
        pvmscope report "$run.db" --by line --top 100000 --format json >"$run/lines.json" 2>/dev/null ;;
    esac
    for format in csv speedscope callgrind pprof firefox perfetto; do
        pvmscope export "$run.db" --format $format "$@" -o "$run/$format" || echo "[$?]"
    done
    for value in gas host_gas hits host_calls time calls; do
        pvmscope export "$run.db" --format folded --value $value "$@" -o "$run/folded.$value" || echo "[$?]"
    done
    python3 "$CLI/export/check.py" "$run"
}
cp "$GUESTS/service.polkavm" "$GUESTS/service-0.7.2.jam" .
echo "-- with debug information"
pvmscope record service.polkavm --entry refine -o named.db >/dev/null
check named
echo "-- without, and stopped inside a block"
pvmscope record service-0.7.2.jam --args 0102030405 --gas 30000 -o stripped.db >/dev/null
check stripped
echo "-- with calls"
pvmscope record service.polkavm --entry refine --instrument counts,edges,calls,hostcalls -o calls.db >/dev/null
check calls
pvmscope export calls.db --format folded --value host_calls
pvmscope export calls.db --format folded --value calls
pvmscope export calls.db --format folded --value hits | sed 's/;@.*//' | sort -u | head -n 8
check calls --stacks places
# A function of one context in one run can have several in the other: two runs have what both know by context.
pvmscope record service.polkavm --entry refine --gas 40000 --instrument counts,edges,calls,hostcalls -o short.db >/dev/null
for value in gas hits host_calls; do
    pvmscope export short.db calls.db --format folded --value $value | sort | head -n 4
done
echo "-- with samples, by who called whom and by place"
cp "$GUESTS/recursive.polkavm" .
pvmscope record recursive.polkavm --reg r7=300 --instrument counts,calls,samples=4999 -o sampled.db >/dev/null
# What is met is chance.
check sampled | sed 's/[0-9]* \(stacks\|functions\)/\1/'
check sampled --stacks places | sed 's/[0-9]* \(stacks\|functions\)/\1/'
echo "-- two programs"
cp named.db plural.db
sqlite3 plural.db "INSERT INTO program SELECT 2, 'other', spec, format, code_bytes, blocks, error, blob FROM program;
    INSERT INTO function SELECT 2, id, pc, name, source FROM function;
    INSERT INTO block SELECT 2, pc, end_pc, function, instructions, cost, hits, gas FROM block;
    UPDATE execution SET gas_start = gas_start + blocks_gas, blocks_gas = 2 * blocks_gas;
    UPDATE total SET gas_used = gas_used + blocks_gas, gas_start = gas_start + blocks_gas, blocks_gas = 2 * blocks_gas"
check plural
echo "-- sums of host calls only"
sqlite3 named.db "DELETE FROM host_call"
pvmscope export named.db --format folded --value host_calls
echo "-- an older file, and one that was cut"
sqlite3 named.db "DROP TABLE host_site"
pvmscope export named.db --format folded --value host_calls
pvmscope record service.polkavm --entry refine -o named.db >/dev/null
sqlite3 named.db "DROP TABLE host_site; DELETE FROM host_call WHERE seq > 1"
pvmscope export named.db --format folded --value host_calls
echo "-- names that mean something to a format"
pvmscope record service.polkavm --entry refine -o named.db >/dev/null
sqlite3 named.db "UPDATE host_function SET name = '</script><a>&\"' WHERE func_id = 100"
check named
sqlite3 named.db "UPDATE host_function SET name = name || ';' || char(10) || char(27) || '[31m' WHERE func_id = 100"
pvmscope export named.db --format folded | grep script
pvmscope export named.db --format callgrind | grep script
pvmscope export named.db --format svg --value host_gas | python3 -c '
import sys, xml.etree.ElementTree as tree
print([e.text for e in tree.fromstring(sys.stdin.read()).iter() if "script" in (e.text or "")])'
