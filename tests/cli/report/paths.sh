# Loops with their trip counts and hot sequences. The inner loop of SHA-256 runs 64 times for each of 129 blocks of input.
. "$CLI/lib.sh"
exec 2>&1
cp "$GUESTS/sha256.polkavm" "$GUESTS/interp-0.7.2.polkavm" .
pvmscope record sha256.polkavm -o run.db >/dev/null
pvmscope report run.db --by path --top 6
pvmscope report run.db --by path --top 2 --format csv --sort trips
pvmscope record interp-0.7.2.polkavm -o interp.db >/dev/null
pvmscope report interp.db --by path --top 3
pvmscope record sha256.polkavm -o none.db --instrument counts >/dev/null
pvmscope report none.db --by path
