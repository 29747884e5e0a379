# The pipeline of a block.
. "$CLI/lib.sh"
exec 2>&1
cp "$GUESTS/quicksort.polkavm" "$GUESTS/sieve-0.7.2.polkavm" .
pvmscope record quicksort.polkavm -o run.db >/dev/null
pvmscope record sieve-0.7.2.polkavm -o old.db >/dev/null
pvmscope annotate run.db --explain
pvmscope annotate run.db --explain --block 484 --format csv
pvmscope annotate old.db --explain
