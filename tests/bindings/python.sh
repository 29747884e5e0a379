# The Python packages, installed by pip into an environment of their own, with pandas.
. "$(dirname "$0")/lib.sh"
needs python3 python3
cp -r "$source/bindings/python" "$folder/python"
python3 -m venv "$folder/venv" >"$folder/log" 2>&1 || { echo "SKIPPED: no venv; install python3-venv"; exit 77; }
if ! "$folder/venv/bin/pip" install -q --disable-pip-version-check "$folder/python[pandas]" >"$folder/log" 2>&1; then
    grep -qi -e 'connection' -e 'temporary failure' -e 'no matching distribution' "$folder/log" || { cat "$folder/log"; exit 1; }
    echo "SKIPPED: pip reaches no package index"
    exit 77
fi
cd "$folder"
PVM_LIBRARY=$lib/libpvm.so
export PVM_LIBRARY
mkdir -p "$folder/tree/bindings" "$folder/tree/tests" "$folder/tree/examples/guest"
cp -r "$source/bindings/python" "$folder/tree/bindings/python"
cp -r "$source/tests/conformance" "$folder/tree/tests/conformance"
cp -r "$source/examples/guest/blobs" "$folder/tree/examples/guest/blobs"
"$folder/venv/bin/python" -W error -m unittest discover -s "$folder/tree/bindings/python/tests"
unset PVM_LIBRARY
LD_LIBRARY_PATH= "$folder/venv/bin/python" -c 'import pvm' 2>&1 | grep -q 'PVM_LIBRARY'
