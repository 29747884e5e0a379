# Baselines that are none, and runs that cannot be checked: one line, exit code 3, and nothing is fine by mistake.
. "$CLI/lib.sh"
run() { pvmscope check "$@" >/dev/null; echo "[$?]"; }
exec 2>&1
cp "$GUESTS/sieve-0.7.2.polkavm" .
pvmscope record sieve-0.7.2.polkavm -o run.db >/dev/null
pvmscope check run.db --baseline gas.txt --write-baseline
run
run run.db
run run.db --write-baseline
run run.db --baseline none.txt
run run.db --baseline gas.txt --max-increase lots
run run.db --baseline gas.txt --max-increase -1%
mkdir folder && run run.db --baseline folder
bad() { printf "$1" >bad.txt; run run.db --baseline bad.txt; }
bad ''
bad 'hello\n'
bad 'pvmscope baseline 2\n'
bad 'pvmscope baseline 1\n'
bad 'pvmscope baseline 1\nspec 0.7.2\ntotal 1\nhost 1\n'
bad 'pvmscope baseline 1\nspec 0.7.2\ntotal 5\nblocks 4\nhost 0\n'
bad 'pvmscope baseline 1\nspec 0.7.2\ntotal 5\nblocks 5\nhost 0\nfunction 4 a\n'
bad 'pvmscope baseline 1\nspec 0.7.2\ntotal -5\n'
bad 'pvmscope baseline 1\nspec 0.7.2\ntotal 99999999999999999999\n'
bad 'pvmscope baseline 1\nspec 0.7.2\ntotal 5\ntotal 5\nhost 0\n'
bad 'pvmscope baseline 1\n<<<<<<< HEAD\n'
bad 'pvmscope baseline 1\nfunction 5\n'
bad 'pvmscope baseline 1\nfunction 5 \001\n'
bad 'pvmscope baseline 1\nlines 5 a\n'
head -c 100000 /dev/zero | tr '\0' x >bad.txt
run run.db --baseline bad.txt
head -c 5000 /dev/zero >bad.txt
run run.db --baseline bad.txt
head -c 9000 run.db >bad.txt
run run.db --baseline bad.txt
pvmscope record sieve-0.7.2.polkavm --gas 1000 -o short.db >/dev/null
sqlite3 short.db "UPDATE info SET value = 'recording' WHERE key = 'status'"
run short.db --baseline gas.txt
run run.db --baseline short.db
sed 's/^spec .*/spec 0.8.0/' gas.txt >new.txt
run run.db --baseline new.txt
pvmscope record sieve-0.7.2.polkavm -o calls.db --instrument hostcalls >/dev/null
run calls.db --baseline gas.txt
run run.db --baseline run.db --write-baseline
pvmscope report run.db >/dev/null && echo 'the run is still there'
