# Ctrl-C ends an endless guest; what it left is printed.
. "$CLI/lib.sh"
printf 'jump @0\n' >loop.asm
pvmscope asm loop.asm -o loop.pvm
stopped_by INT pvmscope run loop.pvm --gas 1000000000000000 >out
echo "[$?]"
grep -e '^result' -e '^pc' out
stopped_by TERM pvmscope run loop.pvm --gas 1000000000000000 --expect oog >out
echo "[$?]"
