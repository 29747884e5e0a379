# A guest that makes no host calls: the file moves on all the same, it stays one execution, and a kill keeps it.
. "$CLI/lib.sh"
printf '.spec 0.7.2\nload_imm r1, 1\nfallthrough\nadd_imm_64 r1, r1, 1\njump @4\n' >loop.asm
pvmscope asm loop.asm -o loop.pvm
pvmscope record loop.pvm --spec 0.7.2 --gas 1000000000000000 -o run.db >out &
recorder=$!

# figure KEY: that one of the summary
figure()
{
    pvmscope report run.db --format json 2>/dev/null | tr -d ' \n' | grep -o "\"$1\":[0-9]*" | head -n 1 | cut -d: -f2
}

# wait_for_more N: until more gas than that is used
wait_for_more()
{
    for try in $(seq 600); do
        used=$(figure gas_used)
        if [ "${used:-0}" -gt "$1" ]; then
            return 0
        fi
        sleep 0.1
    done
    echo "no more than $1 gas after a minute"
}

wait_for_more 0
wait_for_more "$used"
echo "executions $(figure executions)"
kill -KILL $recorder
wait $recorder 2>/dev/null
pvmscope report run.db --by block --format csv 2>/dev/null | tail -n +2 | cut -d, -f1,2,3
[ "$(figure gas_used)" = "$(figure blocks_gas)" ] && echo "the sum holds"
