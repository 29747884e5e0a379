# Blocks and host calls explain all gas, for every way to end. The last column is what is left over. The backend of this
# machine gives the same figures as the interpreter.
. "$CLI/lib.sh"

# sum NAME OPTIONS...
sum()
{
    name=$1
    shift
    pvmscope record end.pvm -o run.db "$@" --backend interpreter --format csv 2>/dev/null | cut -d, -f1-9 >other
    pvmscope report run.db --by block --top 0 --format csv 2>/dev/null >>other
    pvmscope record end.pvm -o run.db "$@" --format csv 2>/dev/null >summary
    pvmscope report run.db --by block --top 0 --format csv 2>/dev/null >blocks
    cut -d, -f1-9 summary | cat - blocks | diff other -
    tail -n 1 summary | awk -F, -v name="$name" '
        { blocks = 0; while ((getline line < "blocks") > 0) { split(line, cell, ","); blocks += cell[4] } }
        { print name ": " $1 " used " $2 " blocks " $3 " host " $4 " left over " $2 - $3 - $4 " " blocks - $3 }'
}

for spec in 0.7.2 0.8.0; do
    printf ".spec $spec\nload_imm r1, 5\nadd_64 r1, r1, r2\ntrap\n" >end.asm && pvmscope asm end.asm -o end.pvm
    sum "panic $spec" --spec $spec
    sum "no gas $spec" --spec $spec --gas 1
    printf ".spec $spec\nfallthrough\njump_ind r0, 0\n" >end.asm && pvmscope asm end.asm -o end.pvm
    sum "halt $spec" --spec $spec --reg r0=0xffff0000
    printf ".spec $spec\nload_imm r2, 1\nload_u8 r1, 0x20001\nload_imm r2, 1\ntrap\n" >end.asm
    pvmscope asm end.asm -o end.pvm
    sum "fault $spec" --spec $spec
    printf ".spec $spec\nload_imm r2, 1\necalli 7\nload_imm r2, 1\njump @0\n" >end.asm
    pvmscope asm end.asm -o end.pvm
    for gas in 0 1 2 3 11 12 13 14 100 250 251 252 253 1000; do
        sum "out of gas $spec from $gas" --spec $spec --gas $gas
    done
done
