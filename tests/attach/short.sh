#!/bin/sh
# Processes that end at once, and ones that are not there: a file or one line that says why, never anything else.
set -eu
. "$(dirname "$0")/lib.sh"

for i in 1 2 3; do
    start_target t$i 0 0 0 1
    "$pvmscope" attach --pid $pid -o "$work/r$i.db" >"$work/r$i.out" 2>"$work/r$i.err" &
    collector=$!
    sleep 0.$((i - 1))
    begin t$i
    status=0
    wait $collector || status=$?
    wait $pid || fail "the target came to harm"
    [ $status -eq 0 ] || [ $status -eq 3 ] || fail "exit code $status: $(cat "$work/r$i.err")"
    [ $status -eq 0 ] || [ "$(wc -l <"$work/r$i.err")" -eq 1 ] || fail "more than a line: $(cat "$work/r$i.err")"
done
echo "short ones: fine"

refuse()
{
    what=$1 code=$2
    shift 2
    status=0
    "$pvmscope" attach "$@" -o "$work/no.db" >"$work/no.out" 2>"$work/no.err" || status=$?
    expect "$what" "$status $(wc -l <"$work/no.err")" "$code 1"
    [ ! -e "$work/no.db" ] || fail "a file was left"
}
refuse "a process that is not there" 3 --pid 4194303
refuse "a process without libpvm" 3 --pid $$
refuse "a name that nobody has" 3 --comm no-such-name
refuse "no target" 2
refuse "two targets" 2 --pid 1 --all
refuse "no percentage" 2 --all --max-overhead much
