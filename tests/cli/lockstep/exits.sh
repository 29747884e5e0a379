# Every way to end, under both gas rules, in the middle and at the end of a block.
try()
{
    echo "$1: $(printf "$2" | pvmscope asm - -o x.pvm --spec $spec && pvmscope lockstep x.pvm --spec $spec --gas $gas \
        --backend recompiler --format csv | tail -n 1 | cut -d, -f 5-9)"
}
for spec in 0.7.2 0.8.0 latest64; do
    gas=1000
    echo "spec $spec"
    try halt 'load_imm r0, -65536\njump_ind r0, 0\n'
    try panic 'load_imm r1, 1\ntrap\n'
    try fault 'load_imm r1, 0x20000\nload_ind_u8 r2, r1, 0\ntrap\n'
    try 'low address' 'store_u8 r1, 4\ntrap\n'
    try 'host calls' 'ecalli 1\necalli 2\nload_imm r1, 1\necalli 3\ntrap\n'
    try 'bad jump' 'jump_ind r1, 6\n'
    try 'out of gas' 'jump @0\n'
    gas=150
    try 'host out of gas' 'ecalli 1\necalli 1\nfallthrough\njump @0\n'
    gas=0
    try 'no gas' 'trap\n'
done
