#!/bin/sh
# A recording by LTTng with host memory, exported as an ecalli trace, is the same trace as that of a recording in process,
# and both backends replay it: so what was recorded in production can be profiled to any depth elsewhere.
set -eu
. "$(dirname "$0")/lib.sh"

# compare FILE OPTIONS...
compare()
{
    for via in process lttng; do
        timeout 120 "$pvmscope" record "$@" --via $via --instrument hostcalls,memory -o "$work/$via.db" >"$work/$via.txt" 2>&1 ||
            fail "$(cat "$work/$via.txt")"
        "$pvmscope" export "$work/$via.db" --format ecalli -o "$work/$via.log" || fail "$via: $*: cannot be exported"
    done
    cmp "$work/process.log" "$work/lttng.log" || fail "$*: the traces differ"
    for backend in interpreter recompiler; do
        "$pvmscope" replay "$work/lttng.log" --backend $backend || fail "$*: $backend cannot replay it"
    done
}

compare "$blobs/service.jam" --args 0102030405
for trace in "$(dirname "$0")"/../../../shared/vectors/ecalli/trace-001.log; do
    [ ! -e "$trace" ] || compare "$trace"
done
