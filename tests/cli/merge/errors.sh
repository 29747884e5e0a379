# What cannot be merged: one line, exit code, and nothing written.
. "$CLI/lib.sh"
run() { pvmscope merge "$@" >/dev/null; echo "[$?]"; }
exec 2>&1
cp "$GUESTS/sieve.jam" .
pvmscope record sieve.jam -o a.db >/dev/null
cp a.db b.db
run
run a.db
run a.db b.db -o a.db
run a.db a.db -o all.db
ln -s a.db link.db
run a.db link.db -o all.db
run a.db missing.db -o all.db
run a.db sieve.jam -o all.db
head -c 9000 a.db >cut.db
run a.db cut.db -o all.db
cp a.db odd.db
sqlite3 odd.db 'UPDATE block SET gas = gas + 7 WHERE pc = (SELECT min(pc) FROM block)'
run a.db odd.db -o all.db
mkdir empty
run empty -o all.db
run a.db b.db -o sieve.jam
run a.db b.db -o empty
run a.db b.db -o none/all.db
pvmscope report a.db --by recording
echo "[$?]"
ls
