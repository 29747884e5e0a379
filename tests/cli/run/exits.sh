# Every way to end, with pc and gas.
. "$CLI/lib.sh"

# ends SPEC ASSEMBLY OPTIONS...
ends()
{
    printf ".spec $1\n$2" >end.asm
    pvmscope asm end.asm -o end.pvm
    shift 2
    pvmscope run end.pvm "$@" --format csv | head -n 2 | tail -n 1 | cut -d, -f3,6-12
}

echo "spec,result,pc,fault_address,gas_start,gas_used,gas_left,host_calls"
for spec in 0.7.2 0.8.0; do
    ends $spec 'load_imm r1, 5\ntrap\n' --spec $spec --gas 1000
    ends $spec 'jump_ind r0, 0\n' --spec $spec --gas 1000 --reg r0=0xffff0000
    ends $spec 'load_u8 r1, 0x20001\ntrap\n' --spec $spec --gas 1000
    ends $spec 'load_u8 r1, 5\ntrap\n' --spec $spec --gas 1000
    ends $spec 'jump @0\n' --spec $spec --gas 1000
    ends $spec 'ecalli 5\ntrap\n' --spec $spec --gas 1000
    ends $spec 'ecalli 5\ntrap\n' --spec $spec --gas 105
done
