#!/bin/sh
# The recompiler leaves nothing but the halt to the interpreter, code is no larger than the bar, a recorded invocation ends as
# recorded however it is compiled, and the command line refuses what it does not know. No times: they are not the same twice.
set -eu
bench=$1
pvmscope=$2
service=$3
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

# With units so small that the program has several.
"$pvmscope" record "$service" --spec 0.7.2 --instrument hostcalls,memory -o "$work/run.db" >/dev/null
"$pvmscope" export "$work/run.db" --format ecalli -o "$work/trace.log"
PVM_UNIT=1024 "$bench" service --only "$work/trace.log" --format json >"$work/service.json"
python3 - "$work" <<'END'
import json, sys
document = json.load(open(sys.argv[1] + "/service.json"))
for table in (document["service"], document["service_model"]):
    assert all(value > 0 for row in table for column, value in row.items() if column != "part"), table
made = document["service_code"]
assert [row["way"] for row in made] == ["at once", "by units"] * 2, made
assert all(row["units"] == 1 and row["share_percent"] == 100 for row in made[0::2]), made
assert all(row["units"] > 1 and 0 < row["share_percent"] <= 100 for row in made[1::2]), made
assert all(row["host_octets"] > 0 for row in made), made
END
sed '/^HALT/s/gas=[0-9]*/gas=1/' "$work/trace.log" >"$work/other.log"
sed '/^HALT/d' "$work/trace.log" >"$work/endless.log"
refuse() # REASON ARGUMENT...: exit 1 and one line
{
    reason=$1
    shift
    status=0
    "$bench" service "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status -eq 1 ] && [ "$(grep -c . "$work/err")" -eq 1 ] && grep -q "$reason" "$work/err" && [ ! -s "$work/out" ] ||
        { echo "pvm-bench service $*: exit $status" && cat "$work/err" && exit 1; }
}
refuse 'no trace; name a recorded one'
refuse 'on the interpreter under 0.7.2 it does not run and end as recorded' --only "$work/other.log"
refuse 'does not end with HALT' --only "$work/endless.log"

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
