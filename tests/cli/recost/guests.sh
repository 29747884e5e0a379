# Every guest: what recost says is what the same program costs when it is executed under the other spec, both ways.
. "$CLI/lib.sh"
gas() { sed -n 's/.*"gas_used":\([0-9]*\).*/\1/p' | head -n 1; }
priced() { pvmscope recost "$1" --spec "$2" --top 1 --format json 2>/dev/null; }
other() { sed -n 's/.*"other_gas":\([0-9]*\),"ratio.*"certainty":"\([a-z]*\)".*/\1 \2/p' | head -n 1; }
# both NAME FROM TO: record under FROM and TO, price each under the other
both()
{
    a=$(pvmscope record "from.$1" --spec "$2" -o from.db --format json 2>/dev/null | gas)
    b=$(pvmscope record "to.$1" --spec "$3" -o to.db --format json 2>/dev/null | gas)
    there=$(priced from.db "$3" | tr -d '\n ' | sed 's/}.*//' | other)
    back=$(priced to.db "$2" | tr -d '\n ' | sed 's/}.*//' | other)
    if [ "$there" = "$b exact" ] && [ "$back" = "$a exact" ]; then
        echo "$guest: $2 <-> $3 agree"
    else
        echo "$guest: $2 uses $a, $3 uses $b; priced $there and $back"
    fi
}
for guest in blake2b format interp large matmul quicksort recursive service sha256 sieve; do
    cp "$GUESTS/$guest-0.7.2.jam" from.jam
    for spec in 0.8.0 latest64; do
        pvmscope convert from.jam --from 0.7.2 --spec $spec -o to.jam --force && both jam 0.7.2 $spec
    done
done
# The guests built for 0.8.0 are those for 0.7.2 with hints; their entries are others than 0.
guest='service, refine'
cp "$GUESTS/service-0.7.2.polkavm" from.polkavm
cp "$GUESTS/service.polkavm" to.polkavm
a=$(pvmscope record from.polkavm --entry refine -o from.db --format json 2>/dev/null | gas)
pvmscope record to.polkavm --entry refine -o to.db >/dev/null
echo "$guest: $(priced to.db 0.7.2 | tr -d '\n ' | sed 's/}.*//' | other) $a"
