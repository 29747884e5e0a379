#!/bin/sh
# The recompiler leaves nothing but the halt to the interpreter, code is no larger than the bar, and the command line
# refuses what it does not know. No times: they are not the same twice.
set -eu
bench=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$bench" left --format json >"$work/left.json"
"$bench" compile --format json >"$work/compile.json"
python3 - "$work" <<'END'
import json, sys
left = json.load(open(sys.argv[1] + "/left.json"))["left"]
assert len(left) >= 18, "two specs of nine guests"
for row in left:
    assert row["instructions"] > 100000, row
    assert row["left"] == 1, row
document = json.load(open(sys.argv[1] + "/compile.json"))
plain = [row for row in document["code_size"] if row["variant"] == "plain"]
assert len(plain) == 2 and all(row["code_bytes"] >= 100 * 1024 for row in plain), plain
assert all(row["instructions_per_octet"] < row["all_per_octet"] <= row["bar"] == 6 for row in plain), plain
times = document["compile"]
# What is "on top" is a difference of two times: on a busy machine it can be anything.
assert all(0 < row["fastest_ns"] <= row["median_ns"] for row in times if "on top" not in row["what"]), times
END

for arguments in "" nonsense "left --format xml" "left --only"; do
    status=0
    # shellcheck disable=SC2086 # words
    "$bench" $arguments >"$work/out" 2>"$work/err" || status=$?
    [ $status -eq 2 ] && grep -q '^usage: pvm-bench' "$work/err" && [ ! -s "$work/out" ] ||
        { echo "pvm-bench $arguments: exit $status" && exit 1; }
done
status=0
"$bench" left --only sieve --blobs "$work" >"$work/out" 2>"$work/err" || status=$?
[ $status -eq 1 ] && grep -q 'sieve.*cannot be read; give the folder' "$work/err" ||
    { echo "missing blobs: exit $status" && exit 1; }
