# Names and lines for a stripped program, from the file that it was made from, proven instruction by instruction.
. "$CLI/lib.sh"
exec 2>&1
cp "$GUESTS/service.jam" "$GUESTS/service.polkavm" "$GUESTS/service-0.7.2.polkavm" "$GUESTS/sieve.jam" .
run() { "$@"; echo "[$?]"; }
lines() { pvmscope report "$@" --by line --format csv 2>/dev/null | cut -d, -f1-8; }
# The JAM form begins with jumps to its entries, at the same places as the container.
pvmscope record service.jam --gas 40000 --spec 0.8.0 -o bare.db >/dev/null
pvmscope record service.jam --gas 40000 --spec 0.8.0 --symbols service.polkavm -o named.db >/dev/null
pvmscope report bare.db --by function --top 3
pvmscope report bare.db --symbols service.polkavm --by function --top 3
pvmscope report named.db --by function --top 3
# Named when it was recorded, or when it is read: the same lines.
lines named.db >named.csv
lines bare.db --symbols service.polkavm | cmp - named.csv
head -n 3 named.csv
pvmscope annotate bare.db write_command --symbols service.polkavm --top 1 --show source
pvmscope export bare.db --symbols service.polkavm --format folded | sed 's/;@.*//' | sort -u | head -n 3
pvmscope disasm service.jam --spec 0.8.0 --symbols service.polkavm | grep '^; [a-z_]*:$' | head -n 3
# Other opcode numbers, the same instructions.
pvmscope convert service-0.7.2.polkavm --to raw --spec latest64 -o other.pvm
pvmscope disasm other.pvm --spec latest64 --symbols service-0.7.2.polkavm | grep -c '^; [a-z_]*:$'
# Wrong ones: another program, a stripped one, nothing.
run pvmscope report bare.db --symbols service-0.7.2.polkavm
run pvmscope record sieve.jam --symbols service.polkavm -o no.db
run pvmscope report bare.db --symbols service.jam
run pvmscope report bare.db --symbols missing
run pvmscope record service.jam --via lttng --symbols service.polkavm -o no.db
ls no.db
