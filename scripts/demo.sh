#!/bin/sh
# Builds pvmscope and shows where the gas of a real program went: a JAM service that merges records, calls its host
# and logs. Installs missing Debian packages first. Running it again is quick.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/packages.sh
# shellcheck disable=SC2086 # lists of words
install_packages $build_packages

log=build/demo.log
mkdir -p build
echo "building (log: $log)"
if ! { cmake -G Ninja -S . -B build && cmake --build build; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "the build failed; see $log" >&2
    exit 1
fi

show()
{
    printf '\n$ %s\n' "$*"
    "$@"
}

PATH=$root/build/bin:$PATH
guests=examples/guest/blobs
show pvmscope record $guests/service.polkavm --entry accumulate --instrument counts,edges,hostcalls,calls --force -o build/demo.db
show pvmscope report build/demo.db --top 4
show pvmscope report build/demo.db --tree --top 8
show pvmscope annotate build/demo.db merge_command --loop
show pvmscope export build/demo.db --format html --force -o build/demo.html
echo
echo "The run file is build/demo.db, and build/demo.html is a page to look at. Next: pvmscope help, docs/, examples/guest/README.md"
