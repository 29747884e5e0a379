# A reader that has seen enough ends the output quietly; a full disk does not.
. "$CLI/lib.sh"
cp "$GUESTS/large.polkavm" .
{ pvmscope info large.polkavm --blocks; echo "[$?]" >&2; } | head -n 1
{ pvmscope disasm large.polkavm; echo "[$?]" >&2; } | head -n 1
{ pvmscope info large.polkavm --blocks --format json; echo "[$?]" >&2; } | head -n 1
pvmscope info large.polkavm --blocks >/dev/full
echo "[$?]"
pvmscope help >/dev/full
echo "[$?]"
