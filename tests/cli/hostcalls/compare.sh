# Two conversations: equal, different in gas, and one that ends earlier.
. "$CLI/lib.sh"
cp "$GUESTS/service-0.7.2.polkavm" .
for gas in 1000000 1000; do
    pvmscope record service-0.7.2.polkavm --entry refine -o $gas.db --backend interpreter --gas $gas >/dev/null
done
pvmscope record service-0.7.2.polkavm --entry refine -o again.db --backend interpreter --gas 1000000 >/dev/null
pvmscope hostcalls 1000000.db again.db
echo "[$?]"
pvmscope hostcalls 1000000.db 1000.db --format csv
echo "[$?]"
pvmscope hostcalls 1000000.db 1000.db --format json
echo "[$?]"
# One that never calls.
cat >none.asm <<END
.spec 0.7.2
    trap
END
pvmscope asm none.asm -o none.pvm
pvmscope record none.pvm -o none.db >/dev/null
pvmscope hostcalls 1000000.db none.db --format csv
echo "[$?]"
# One of which only sums were recorded.
pvmscope record service-0.7.2.polkavm --entry refine -o sums.db --instrument counts --gas 1000000 >/dev/null
pvmscope hostcalls sums.db
pvmscope hostcalls 1000000.db sums.db
echo "[$?]"
