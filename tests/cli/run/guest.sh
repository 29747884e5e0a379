# A program with exports: the default entry, a start register, what is printed.
. "$CLI/lib.sh"
cp "$GUESTS/sieve-0.7.2.polkavm" "$GUESTS/sieve.polkavm" .
pvmscope run sieve-0.7.2.polkavm --reg r7=1 | without_times
pvmscope run sieve.polkavm --reg r7=0x1 --entry main | without_times
pvmscope run sieve.polkavm --reg r7=1 --format md | without_times
