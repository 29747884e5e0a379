# libpvm.so exports what libpvm.symbols lists, no more and no less: a change of the ABI is deliberate.
#   sh symbols.sh BUILD SOURCE
set -eu
list=$2/tests/install/libpvm.symbols
now=$(nm -D --defined-only "$1/lib/libpvm.so" | awk '{ print $3 }' | LC_ALL=C sort)
if [ "$now" != "$(cat "$list")" ]; then
    echo "$now" | diff -u --label "listed in tests/install/libpvm.symbols" --label "exported now" "$list" - || true
    echo "if this is meant: new symbols go into the list; one that goes or changes needs a new SOVERSION"
    exit 1
fi
if echo "$now" | grep -qv '^pvm_'; then
    echo "a symbol outside pvm_ is exported"
    exit 1
fi
# The declarations of the public headers, and nothing else.
for symbol in $now; do
    grep -qw "$symbol" "$2"/engine/include/pvm/pvm.h "$2"/engine/include/pvm/trace.h || {
        echo "$symbol: exported, but in no public header"
        exit 1
    }
done
