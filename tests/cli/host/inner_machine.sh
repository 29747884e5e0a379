# --host jam: a machine inside a machine is recorded with its parent, in process and by LTTng, on both backends.
. "$CLI/lib.sh"
pvmscope asm "$CLI/host/inner_machine.asm" -o inner.pvm
pvmscope convert inner.pvm -o inner.jam
show()
{
    pvmscope record inner.jam --spec 0.7.2 --host jam -o "$@" >/dev/null || echo "failed: $?"
    sqlite3 "$1" 'SELECT id, parent FROM vm; SELECT vm, result, gas_start, gas_end FROM execution'
}
show run.db --backend interpreter
show run.db --backend recompiler
pvmscope hostcalls run.db --format csv | cut -d, -f1,4- | sed 's/,[^,]*$//'
pvmscope lockstep inner.jam --spec 0.7.2 --host jam | grep '^answer'
