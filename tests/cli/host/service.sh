# --host jam: the example service keeps its counters in a state file, from run to run and on both backends.
. "$CLI/lib.sh"
for backend in interpreter recompiler; do
    rm -f state.json
    pvmscope run "$GUESTS/service.jam" --spec 0.8.0 --backend $backend --entry accumulate --args 00 --host jam \
        --write-state state.json | grep -e '^result' -e '^gas used' -e '^host calls'
    pvmscope run "$GUESTS/service.jam" --spec 0.8.0 --backend $backend --entry accumulate --args 00 --host jam \
        --state state.json --write-state - | sed -n '/^{/,$p'
done
pvmscope lockstep "$GUESTS/service.jam" --spec 0.8.0 --entry accumulate --args 00 --host jam 2>/dev/null |
    grep -e '^answer' -e '^host calls'
# Out of gas: the state is what it was.
pvmscope run "$GUESTS/service.jam" --spec 0.8.0 --entry accumulate --args 00 --host jam --gas 9000 \
    --state state.json --write-state after.json 2>/dev/null | grep '^result'
pvmscope run "$GUESTS/service.jam" --spec 0.8.0 --entry accumulate --args 00 --host jam --gas 0 \
    --state state.json --write-state before.json 2>/dev/null | grep '^result'
cmp before.json after.json && echo same
