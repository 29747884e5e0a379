# Reports below the block: by source line and by opcode, and what --sort does.
. "$CLI/lib.sh"
exec 2>&1
for spec in "" -0.7.2; do
    cp "$GUESTS/service$spec.polkavm" .
    pvmscope record service$spec.polkavm --entry refine -o run.db --gas 30000 >/dev/null
    pvmscope report run.db --by line --top 5
    pvmscope report run.db --by opcode --top 5
done
pvmscope report run.db --by line --top 3 --sort hits --format csv
pvmscope report run.db --by line --top 2 --sort line --format json
# All rows add up to the gas in blocks, and to that of host calls.
for by in line opcode; do
    pvmscope report run.db --by $by --top 0 --format csv |
        awk -F, -v by=$by 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            { gas += $at["gas"]; host += $at["host_gas"] } END { print by, gas, host }'
done
pvmscope report run.db --format csv | awk -F, 'NR == 2 { print "blocks", $3, $4; exit }'
# No debug information.
cp "$GUESTS/sieve.jam" .
pvmscope record sieve.jam -o bare.db --gas 5000 >/dev/null
pvmscope report bare.db --by line
# Wrong ones.
pvmscope report run.db --by line --sort price; echo "[$?]"
pvmscope report run.db --sort gas; echo "[$?]"
