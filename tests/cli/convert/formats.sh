# To JAM and back; the raw blob inside is the same, and it runs the same.
. "$CLI/lib.sh"
cp "$GUESTS/sieve-0.7.2.polkavm" sieve.polkavm
pvmscope convert sieve.polkavm -o direct.pvm --to raw
pvmscope convert sieve.polkavm -o sieve.jam
pvmscope convert sieve.jam -o there.pvm --to raw --from 0.7.2
cmp direct.pvm there.pvm && echo same
pvmscope convert direct.pvm -o renumbered.pvm --to raw --from 0.7.2 --spec 0.8.0 && pvmscope info renumbered.pvm | grep -e '^spec '
pvmscope convert direct.pvm -o missing/x.pvm
echo "[$?]"
pvmscope convert missing -o x.pvm
echo "[$?]"
pvmscope convert direct.pvm
echo "[$?]"
pvmscope convert direct.pvm -o x.pvm --to polkavm
echo "[$?]"
ls
