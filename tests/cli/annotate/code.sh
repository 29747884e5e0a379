# Code with figures: a function, a loop, a range, and what cannot be shown.
. "$CLI/lib.sh"
exec 2>&1
cp "$GUESTS/sha256.polkavm" "$GUESTS/sha256-0.7.2.polkavm" .
pvmscope record sha256.polkavm -o run.db >/dev/null
pvmscope record sha256-0.7.2.polkavm -o old.db --gas 200011 >/dev/null
# The source is not where the test runs; x86 has a test of its own.
pvmscope annotate run.db --show source --loop
pvmscope annotate old.db compress --show source --top 2
pvmscope annotate run.db @700 --show source --format csv | head -n 4
pvmscope annotate run.db rotate_right --show source --top 1 --format md | head -n 8
# A row adds up to its block, a function to report.
pvmscope annotate run.db compress --show source --format csv 2>/dev/null |
    awk -F, 'NR > 1 { gas += $(NF - 9) } END { print gas }'
pvmscope report run.db --by function --format csv | grep ^compress | cut -d, -f1,2
# Wrong ones.
for what in nobody @999999 @1.. s; do
    pvmscope annotate run.db $what; echo "[$?]"
done
pvmscope annotate run.db --block 700; echo "[$?]"
pvmscope annotate run.db --explain --block 99999; echo "[$?]"
pvmscope annotate nothing.db; echo "[$?]"
pvmscope record sha256.polkavm -o bare.db --instrument hostcalls >/dev/null
pvmscope annotate bare.db --loop; echo "[$?]"
pvmscope annotate bare.db --show source; echo "[$?]"
pvmscope report bare.db --by opcode
