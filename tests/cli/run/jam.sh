# A JAM program: arguments from the command line and from a file, and its result.
. "$CLI/lib.sh"
pvmscope convert "$GUESTS/sieve-0.7.2.polkavm" -o sieve.jam
printf '\001\000\000\000\000\000\000\000' >one
for arguments in 0100000000000000 0x0100000000000000 @one; do
    pvmscope run sieve.jam --spec 0.7.2 --args $arguments | grep -e '^result' -e '^gas used' -e '^output'
done
pvmscope run sieve.jam --args 123
pvmscope run sieve.jam --args 12x4
pvmscope run sieve.jam --args @missing
pvmscope run sieve.jam --entry refine --spec 0.7.2 | grep -e '^entry' -e '^result'
pvmscope run sieve.jam --entry other
pvmscope run "$GUESTS/sieve.polkavm" --args 00
