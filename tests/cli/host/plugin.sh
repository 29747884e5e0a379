# The example plugin, built as its page says; and objects that are none.
. "$CLI/lib.sh"
command -v cc >/dev/null || { echo "no C compiler"; exit 77; }
cc -shared -fPIC -I "$CLI/../../engine/include" "$CLI/../../examples/host_plugin/key_value.c" -o key_value.so
pvmscope run "$GUESTS/service.jam" --spec 0.8.0 --entry accumulate --args 00 --host ./key_value.so \
    --write-state - | grep -e '^result' -e '^gas used' -e '^host calls' -e ' = '
pvmscope record "$GUESTS/service.jam" --spec 0.8.0 --entry accumulate --args 00 --host ./key_value.so -o run.db |
    grep -e '^gas used' -e '^host  '
pvmscope lockstep "$GUESTS/service.jam" --spec 0.8.0 --entry accumulate --args 00 --host ./key_value.so | grep '^answer'
exec 2>&1
echo 'int nothing;' | cc -shared -fPIC -x c - -o none.so
pvmscope run "$GUESTS/service.jam" --host ./none.so
echo '#include <pvm/host.h>
const pvm_host_plugin_t *pvm_host_plugin(void) { static pvm_host_plugin_t old = {.version = 77}; return &old; }' |
    cc -shared -fPIC -I "$CLI/../../engine/include" -x c - -o old.so
pvmscope run "$GUESTS/service.jam" --host ./old.so
pvmscope run "$GUESTS/service.jam" --host ./key_value.so --state x
