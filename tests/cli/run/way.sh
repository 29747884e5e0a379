# How a run came to its end: who called whom, the last host calls, the last blocks; nothing of it when it halts.
. "$CLI/lib.sh"

# way PROGRAM OPTIONS...: without times
way()
{
    pvmscope run "$@" | sed -e '/^time /d' -e "s#$GUESTS/##" -e '/^Registers/,/^$/d' -e '/^Run/,/^$/d'
}

way "$GUESTS/service.polkavm" --entry refine --gas 30000
way "$GUESTS/recursive.polkavm" --gas 300000 --instrument flight
way "$GUESTS/recursive.polkavm" --gas 20000
printf '.spec 0.8.0\nload_imm r1, 0x30000\nload_ind_u8 r2, r1, 0\ntrap\n' >fault.asm
pvmscope asm fault.asm -o fault.pvm
way fault.pvm
way fault.pvm --spec 0.8.0 --format json | sed -n '/"way"/,$p'
pvmscope run "$GUESTS/sieve.polkavm" --reg r7=1 | grep -c 'way there' || echo "no way of a run that halts"
pvmscope run fault.pvm --instrument blocks
echo $?
