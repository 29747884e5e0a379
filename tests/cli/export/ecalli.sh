# A recording as an ecalli trace, and that trace executed by both backends: the same calls, the same gas.
. "$CLI/lib.sh"
exec 2>&1
# round_trip NAME PROGRAM OPTIONS...: record, export, replay twice, record the replay, export again: nothing changes
round_trip()
{
    name=$1
    shift
    pvmscope record "$@" -o $name.db --instrument hostcalls,memory >/dev/null
    pvmscope export $name.db --format ecalli -o $name.log || return
    for backend in interpreter recompiler; do
        pvmscope replay $name.log --backend $backend
        pvmscope record $name.log -o again.db --instrument hostcalls,memory --backend $backend >/dev/null
        pvmscope export again.db --format ecalli | cmp - $name.log && echo "$name: equal by $backend"
        pvmscope hostcalls $name.db again.db --format csv >/dev/null || echo "$name: other calls by $backend"
    done
}
for spec in "" -0.7.2; do
    cp "$GUESTS/service$spec.jam" "service$spec.jam"
    round_trip "refine$spec" "service$spec.jam" --args 0102030405
done
round_trip oog service.jam --args 0102030405 --gas 20000
cp "$GUESTS/service.polkavm" .
round_trip container service.polkavm --entry refine
grep -c '^setreg r07' refine.log
tail -n 1 refine.log | cut -d ' ' -f 1
tail -n 1 oog.log | cut -d ' ' -f 1
echo "-- writes that overlap become one; what the call wrote itself is no input"
pvmscope record service.jam --args 0102030405 -o memory.db --instrument hostcalls,memory >/dev/null
sqlite3 memory.db "INSERT INTO host_memory (seq, address, is_write, data) VALUES
    (0, 4278054912, 1, x'aabb'), (0, 4278054913, 1, x'ff'), (0, 4278054912, 0, x'aa'), (0, 65536, 0, x'63')"
pvmscope export memory.db --format ecalli | sed -n '/^ecalli=0/,/^set/p' | grep mem
echo "-- what cannot be executed again is not written"
sqlite3 memory.db "UPDATE host_memory SET data = x'00' WHERE address = 65536 AND seq = 0"
pvmscope export memory.db --format ecalli -o wrong.log
echo "[$?]"
ls wrong.log* 2>/dev/null
sqlite3 memory.db "INSERT INTO lost VALUES ('host_call', 3)"
pvmscope export memory.db --format ecalli
echo "[$?]"
pvmscope record service.jam --args 0102030405 -o calls.db >/dev/null
pvmscope export calls.db --format ecalli
echo "[$?]"
pvmscope export refine.db --format ecalli --execution 2
echo "[$?]"
sqlite3 refine.db "INSERT INTO execution SELECT 2, vm, kind, entry_pc, started_ns, duration_ns, result, exit_pc, fault_address,
    gas_start, gas_added, gas_end, blocks_gas, host_gas, 0, difference, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11,
    r12, arguments FROM execution"
pvmscope export refine.db --format ecalli
echo "[$?]"
pvmscope export refine.db --format ecalli --execution 1 | cmp - refine.log && echo "the first of two"
echo "-- wrong calls"
pvmscope export refine.db
echo "[$?]"
pvmscope export refine.db --format ecalli --execution 1 -o calls.db
echo "[$?]"
pvmscope export refine.log --format ecalli
echo "[$?]"
