# A run file of a program with debug information, and its report.
. "$CLI/lib.sh"
cp "$GUESTS/quicksort-0.7.2.polkavm" .
pvmscope record quicksort-0.7.2.polkavm --reg r7=1 --backend interpreter -o run.db | without_times
pvmscope report run.db | without_times
ls
