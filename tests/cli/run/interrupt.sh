# Ctrl-C ends an endless guest; what it left is printed.
. "$CLI/lib.sh"
printf 'jump @0\n' >loop.asm
pvmscope asm loop.asm -o loop.pvm
timeout --preserve-status -s INT 1 pvmscope run loop.pvm --gas 1000000000000000 >out
echo "[$?]"
grep -e '^result' -e '^pc' out
timeout --preserve-status -s TERM 1 pvmscope run loop.pvm --gas 1000000000000000 --expect oog >out
echo "[$?]"
