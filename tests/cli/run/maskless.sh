# PolkaVM's newest containers have code without a bitmask: the same guests as in the numbering of 0.8.0, register for register
# and call for call, on both backends.
exec 2>&1
cp "$GUESTS"/../latest64/*.polkavm .
cp "$GUESTS/interp.polkavm" old_interp.polkavm
cp "$GUESTS/service.polkavm" old_service.polkavm
for backend in interpreter recompiler; do
    for guest in old_interp interp; do
        pvmscope run $guest.polkavm --entry main --reg r7=3 --backend $backend --format csv | grep '^r[0-9]' >$guest.registers
    done
    cmp old_interp.registers interp.registers && wc -l <interp.registers
done
for guest in old_service service; do
    pvmscope record $guest.polkavm --entry refine --instrument counts,edges,calls,hostcalls -o $guest.db >/dev/null
    sqlite3 $guest.db "SELECT function, calls FROM hot_functions ORDER BY 1;
        SELECT name, r7, r8, r9 FROM host_calls ORDER BY seq" >$guest.calls
done
cmp old_service.calls service.calls && tail -n 6 service.calls
pvmscope lockstep service.polkavm --entry refine
pvmscope info service.polkavm | sed -n '/^spec/p;/^instructions/p;/^jump table/p;/^debug covers/p'
pvmscope disasm interp.polkavm | head -n 10
# A number without a meaning: 240 for the jump at the begin of the code.
python3 -c '
data = open("interp.polkavm", "rb").read()
assert data.count(b"\xda\x91\0") == 1
open("broken.polkavm", "wb").write(data.replace(b"\xda\x91\0", b"\xf0\x91\0"))'
pvmscope info broken.polkavm
echo "[$?]"
