# What a container, a JAM program and a raw blob say about themselves.
. "$CLI/lib.sh"
cp "$GUESTS/service-0.7.2.polkavm" "$GUESTS/sieve.polkavm" .
pvmscope info service-0.7.2.polkavm
pvmscope info sieve.polkavm --format json
pvmscope convert sieve.polkavm -o sieve.jam
pvmscope info sieve.jam
pvmscope convert sieve.polkavm -o sieve.pvm --to raw
pvmscope info sieve.pvm --spec 0.8.0
