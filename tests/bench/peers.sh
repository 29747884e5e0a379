#!/bin/sh
# Where cargo is missing and nothing can install it, the bench of the peers says so in one line and builds nothing. And what it
# builds is pinned: each peer to one version, and all that it needs by a lock file.
set -eu
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/bin" "$work/scripts"
ln -s "$(command -v dirname)" "$work/bin/dirname"
cp "$source/scripts/bench.sh" "$source/scripts/packages.sh" "$work/scripts"
shell=$(command -v sh)
status=0
PATH=$work/bin "$shell" "$work/scripts/bench.sh" peers >"$work/out" 2>"$work/err" || status=$?
[ $status -eq 4 ] && [ ! -s "$work/out" ] && [ ! -e "$work/build" ] && [ "$(wc -l <"$work/err")" -eq 1 ] &&
    grep -q '^missing packages: cargo-web; install them' "$work/err" ||
    { echo "without cargo: exit $status" && cat "$work/out" "$work/err" && exit 1; }

manifest=$source/bench/peers/Cargo.toml
version=$(sed -n 's/^polkavm = { version = "=\([0-9.]*\)".*/\1/p' "$manifest")
[ -n "$version" ] && grep -A1 '^name = "polkavm"$' "$source/bench/peers/Cargo.lock" | grep -qx "version = \"$version\"" ||
    { echo "$manifest: no exact version of polkavm, or another than in Cargo.lock" && exit 1; }

folder=$source/bench/peers/anan
wanted='"@fluffylabs/anan-as": "[0-9.]*"$'
[ "$(grep -c "$wanted" "$folder/package.json")" -eq 1 ] &&
    grep -qF "$(grep -o "$wanted" "$folder/package.json")" "$folder/package-lock.json" ||
    { echo "$folder/package.json: no exact version of anan-as, or another than in package-lock.json" && exit 1; }
