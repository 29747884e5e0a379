# A baseline is written, holds, and tells when gas grew.
. "$CLI/lib.sh"
run() { pvmscope check "$@"; echo "[$?]"; }
cp "$GUESTS/service-0.7.2.polkavm" "$GUESTS/recursive-0.7.2.polkavm" .
pvmscope record service-0.7.2.polkavm --entry refine -o run.db >/dev/null
run run.db --baseline gas.txt --write-baseline
cat gas.txt
run run.db --baseline gas.txt
run run.db --baseline run.db --max-increase 2%
# The same with less before, as if it had grown.
sed -e 's/^total 104012/total 103012/' -e 's/^blocks 103962/blocks 102962/' \
    -e 's/^function 49201 /function 48201 /' gas.txt >less.txt
run run.db --baseline less.txt
run run.db --baseline less.txt --max-increase 2%
run run.db --baseline less.txt --max-increase 3 --format csv
# Functions that came and went, and a host call that costs less.
sed -e 's/^function \(.*\) memset$/function \1 old_memset/' -e 's/^hostcall 20 2 gas$/hostcall 25 2 gas/' \
    -e 's/^host 50/host 55/' -e 's/^total 104012/total 104017/' gas.txt >other.txt
run run.db --baseline other.txt --format md
# More of everything, and another end.
for depth in 6 7; do
    pvmscope record recursive-0.7.2.polkavm -o $depth.db --reg r7=$depth >/dev/null
done
run 7.db --baseline 6.db --max-increase 2% --format json
pvmscope record recursive-0.7.2.polkavm -o short.db --reg r7=6 --gas 100 >/dev/null
run short.db --baseline 6.db --top 1
# Several runs are one.
run 6.db 7.db --baseline both.txt --write-baseline
head -n 4 both.txt
run 7.db 6.db --baseline both.txt | head -n 3
