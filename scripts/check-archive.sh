#!/bin/sh
# A release archive (no .git) builds where only installed packages are at hand: in a network namespace of its own if
# the system allows one, else with the network simply not asked for.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

git -C "$root" archive HEAD | tar -x -C "$folder"
isolate=
if unshare -rn true 2>/dev/null; then
    isolate="unshare -rn"
fi
cd "$folder"
$isolate cmake -G Ninja -S . -B build -DBUILD_TESTING=OFF
$isolate cmake --build build
build/bin/pvmscope version
