# --host none: every call costs 10 gas and answers WHAT, grow_heap of 0.8.0 apart.
. "$CLI/lib.sh"
printf '.spec 0.7.2\necalli 5\necalli -1\njump_ind r0, 0\n' >calls.asm
pvmscope asm calls.asm -o calls.pvm
pvmscope run calls.pvm --spec 0.7.2 --gas 100 --reg r0=0xffff0000 | without_times
for host in jam ./plugin.so none; do
    pvmscope run calls.pvm --spec 0.7.2 --reg r0=0xffff0000 --host $host >/dev/null
    echo "$host: $?"
done
printf '.spec 0.8.0\nload_imm r7, 0\necalli 1\njump_ind r0, 0\n' >grow.asm
pvmscope asm grow.asm -o grow.pvm
pvmscope convert grow.pvm -o grow.jam
pvmscope run grow.jam --spec 0.8.0 | without_times
