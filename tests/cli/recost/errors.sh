# What cannot be priced: one line and the exit code.
. "$CLI/lib.sh"
run() { pvmscope recost "$@" >/dev/null; echo "[$?]"; }
exec 2>&1
cp "$GUESTS/sieve-0.7.2.polkavm" .
: >empty
echo text >text
run missing.db --spec 0.8.0
run empty --spec 0.8.0
run text --spec 0.8.0
run sieve-0.7.2.polkavm --spec 0.8.0
pvmscope record sieve-0.7.2.polkavm -o run.db >/dev/null
run
run run.db
run run.db --spec auto
run run.db run.db --spec 0.8.0
head -c 9000 run.db >cut.db
run cut.db --spec 0.8.0
pvmscope record sieve-0.7.2.polkavm -o sums.db --instrument hostcalls >/dev/null
run sums.db --spec 0.8.0
printf '.spec 0.7.2\n    load_imm r1, 0\n    sbrk r1, r1\n    trap\n' >grow.asm
pvmscope asm grow.asm -o grow.pvm
pvmscope record grow.pvm --spec 0.7.2 -o grow.db >/dev/null
run grow.db --spec 0.8.0
pvmscope recost grow.db --spec latest64 | sed -n 1,2p
cp run.db bad.db
sqlite3 bad.db 'UPDATE block SET gas = gas + 7 WHERE pc = (SELECT min(pc) FROM block)'
run bad.db --spec 0.8.0
cp run.db bad.db
sqlite3 bad.db 'UPDATE total SET gas_used = gas_used - 3'
run bad.db --spec 0.8.0
# Of version 1, without table cut: exact where it is not needed.
pvmscope convert sieve-0.7.2.polkavm --spec 0.8.0 --to raw -o new.pvm
pvmscope record new.pvm --spec 0.8.0 -o new.db >/dev/null
for file in run new; do
    sqlite3 $file.db 'DROP TABLE cut; PRAGMA user_version = 1'
done
pvmscope recost run.db --spec 0.8.0 | grep certainty
pvmscope recost new.db --spec 0.7.2 | sed -n '1,2p; /\*/p; /certainty /p'
