# What is no run file, or a damaged one: one line, exit code 3.
. "$CLI/lib.sh"
run() { pvmscope report "$@" >/dev/null; echo "[$?]"; }
exec 2>&1
mkdir folder
: >empty
echo text >text
cp "$GUESTS/sieve-0.7.2.polkavm" .
pvmscope record sieve-0.7.2.polkavm -o run.db >/dev/null
head -c 3000 run.db >cut.db
cp run.db zeros.db
dd if=/dev/zero of=zeros.db bs=4096 seek=2 count=4 conv=notrunc 2>/dev/null
run missing
run folder
run empty
run text
run sieve-0.7.2.polkavm
run cut.db
run zeros.db
run
run run.db --by day
