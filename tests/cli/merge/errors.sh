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
# Found while the other file is written: it is still this one that is damaged.
cp a.db page.db
page=$(sqlite3 page.db "SELECT rootpage FROM sqlite_schema WHERE name = 'info'")
tr '\0' '\377' </dev/zero | dd of=page.db bs=4096 count=1 seek=$((page - 1)) conv=notrunc status=none
run a.db page.db -o all.db
mkdir empty
run empty -o all.db
run a.db b.db -o sieve.jam
run a.db b.db -o empty
run a.db b.db -o none/all.db
pvmscope report a.db --by recording
echo "[$?]"
ls
