# --expect: exit code 1 for any other end, and a line that says so.
. "$CLI/lib.sh"
printf 'trap\n' >trap.asm
pvmscope asm trap.asm -o trap.pvm
for result in panic halt fault oog; do
    pvmscope run trap.pvm --expect $result >/dev/null
    echo "$result: $?"
done
pvmscope run trap.pvm --gas 0 --expect oog >/dev/null
echo "oog: $?"
pvmscope run trap.pvm --expect error
