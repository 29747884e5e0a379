# Two files that cannot be compared, or that say little: told.
. "$CLI/lib.sh"
run() { pvmscope compare "$@" >out; echo "[$?]"; }
notes() { pvmscope compare "$@" | sed -n '1,/^$/p'; }
exec 2>&1
cp "$GUESTS/sieve-0.7.2.polkavm" "$GUESTS/sieve.polkavm" .
pvmscope record sieve-0.7.2.polkavm -o a.db >/dev/null
pvmscope record sieve-0.7.2.polkavm -o b.db >/dev/null
pvmscope record sieve.polkavm -o new.db >/dev/null
echo text >text
run a.db
run a.db missing.db
run text a.db
run a.db sieve.polkavm
head -c 9000 a.db >cut.db
run a.db cut.db
notes a.db b.db
notes a.db a.db
notes a.db new.db
pvmscope record sieve-0.7.2.polkavm -o calls.db --instrument hostcalls >/dev/null
notes a.db calls.db
pvmscope record sieve-0.7.2.polkavm --gas 1000 -o short.db >/dev/null
sqlite3 short.db "UPDATE info SET value = 'recording' WHERE key = 'status'"
notes a.db short.db
pvmscope compare a.db short.db | grep '^gas '
pvmscope merge a.db b.db -o both.db >/dev/null
notes a.db both.db
cp a.db bad.db
sqlite3 bad.db 'UPDATE block SET gas = gas + 7 WHERE pc = (SELECT min(pc) FROM block)'
run a.db bad.db
