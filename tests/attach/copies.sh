#!/bin/sh
# Several copies of libpvm in one process: one that it is linked to, and two opened with dlopen(), of which one file is gone and
# one replaced by then. (More do not fit into the room that glibc has for thread-local variables of such libraries.)
set -eu
. "$(dirname "$0")/lib.sh"
library=$3

for copy in b c; do
    cp "$library" "$work/$copy.so"
done
start_target t 1 5000 25 3 - "$work/b.so" "$work/c.so"
rm "$work/b.so"
mv "$work/c.so" "$work/old.so"
echo "not a library" >"$work/c.so"
attach all --pid $pid
begin t
wait $collector || fail "$(cat "$work/all.err")"
wait $pid || fail "the target came to harm"
for service in 1 2 3; do
    expect "calls of copy $service" "$(query all "select count(*) from host_calls where service = $service")" \
        "$(awk -v i=$((service - 1)) '$1 == i { print $2 }' "$work/t.txt")"
done
expect "lost" "$(lost all)" 0
