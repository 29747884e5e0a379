# State files and host names that are wrong: one line each, exit code 2 or 3.
. "$CLI/lib.sh"
exec 2>&1
printf 'trap\n' >trap.asm
pvmscope asm trap.asm -o trap.pvm
state()
{
    printf "$1" >state.json
    pvmscope run trap.pvm --host jam --state state.json >/dev/null
    echo "[$?]"
}
state ''
state '{'
state '[]'
state '{"services": {"0": {}}} more'
state '{"services": {}}'
state '{"services": {"0": 1}}'
state '{"services": {"0": {}}, "servics": 1}'
state '{"services": {"0": {"balance": -1}}}'
state '{"services": {"0": {"balance": 1.5}}}'
state '{"services": {"0": {"storage": {"6b": "0x00"}}}}'
state '{"services": {"0": {"storage": {"0x6b": "0x0"}}}}'
state '{"services": {"0": {"requests": {"0x6b/3": []}}}}'
state '{"services": {"0": {"requests": {"0x6b/3": [1, 2, 3, 4]}}}}'
state '{"services": {"0": {"requests": {"0x%064d/-3": []}}}}'
state '{"services": {"0": {}}, "context": "refin"}'
state '{"services": {"0": {}}, "fetch": {"3": [[["0x"]]]}}'
state '{"services": {"0": {}}, "fetch": {"1": 2, "3": [["0x"], []]}}'
for host in JAM ./missing.so "$GUESTS/../blobs"; do
    pvmscope run trap.pvm --host "$host" 2>&1 >/dev/null | sed "s|$GUESTS|GUESTS|"
done
pvmscope run trap.pvm --state state.json
pvmscope run trap.pvm --host jam --write-state missing/after.json >/dev/null
echo "[$?]"
