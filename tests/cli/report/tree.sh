# Who called whom: the whole tree, recursion folded, a few levels, as JSON; and without calls.
. "$CLI/lib.sh"
cp "$GUESTS/recursive.polkavm" "$GUESTS/format.polkavm" .
pvmscope record recursive.polkavm --reg r7=1 --instrument calls -o run.db >/dev/null
pvmscope report run.db --tree --fold-recursion
pvmscope report run.db --tree --top 6
pvmscope report run.db --tree --depth 2
pvmscope report run.db --tree --fold-recursion --depth 1 --format json
pvmscope report run.db --by function
pvmscope record format.polkavm -o plain.db >/dev/null
pvmscope report plain.db --tree
pvmscope report run.db --tree --by block 2>&1
echo "[$?]"
# One context alone has its name, too.
printf '\0\0\1\0\1' >trap.pvm
pvmscope record trap.pvm --instrument calls -o run.db >/dev/null
pvmscope report run.db --tree
