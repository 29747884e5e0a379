#!/bin/sh
# Hosts in Python and in Go (with libpvm shared, and linked into the program), as the examples have them, not prepared in any way.
set -eu
. "$(dirname "$0")/lib.sh"
library=$3
root=$(cd "$here/../.." && pwd)
blob=$root/examples/guest/blobs/service.jam
folder=$(cd "$(dirname "$library")" && pwd)
done=

# has_libpvm PID
has_libpvm()
{
    grep -q "$2" "/proc/$1/maps"
}

# has_work NAME: host calls and whole executions are in the file
has_work()
{
    [ "$(query "$1" "select (select count(*) from host_calls where service = 7) > 100 and
        (select count(*) from executions where result = 'halt') > 10")" = 1 ]
}

# watch LANGUAGE MAPPED COMMAND...: attach to it while it works
watch()
{
    language=$1 mapped=$2
    shift 2
    "$@" "$blob" 100000000 >"$work/$language.txt" 2>&1 &
    pid=$!
    running="$running $pid"
    wait_for 60 has_libpvm $pid "$mapped" || fail "$language does not start: $(cat "$work/$language.txt")"
    attach $language --pid $pid
    wait_for 60 has_work $language || fail "$language: hardly any calls and executions"
    stop_collecting $language
    kill -0 $pid 2>/dev/null || fail "$language came to harm: $(cat "$work/$language.txt")"
    kill $pid
    wait $pid 2>/dev/null || true
    calls=$(query $language 'select count(*) from host_calls where service = 7')
    # The host goes on: a call that was under way when the probes were taken away may be missing.
    [ "$(lost $language)" -le 1 ] || fail "$language: lost $(lost $language) of $calls calls"
    expect "$language: names" "$(query $language "select group_concat(name) from (select distinct name from host_calls
        where name in ('read', 'write') order by 1)")" read,write
    done="$done $language"
}

if command -v python3 >/dev/null; then
    PYTHONPATH=$root/bindings/python/src PVM_LIBRARY=$library watch python libpvm \
        "$(python3 -c 'import sys; print(sys.executable)')" "$root/examples/embed/python/host.py"
fi
if command -v go >/dev/null && [ -z "${PVM_ATTACH_WITHOUT_GO:-}" ]; then
    mkdir -p "$work/static" "$work/go"
    ln -s "$folder/libpvm.a" "$work/static/"
    for way in shared static; do
        place=$folder
        [ $way = shared ] || place=$work/static
        (cd "$root/examples/embed/go" && CGO_CFLAGS="-O2 -g -I$root/engine/include" CGO_LDFLAGS="-L$place -lpvm -lpthread -ldl" \
            PKG_CONFIG=true GOFLAGS=-mod=mod go build -o "$work/go/$way" .) >"$work/build.txt" 2>&1 || {
            echo "SKIPPED go $way: $(tail -n 1 "$work/build.txt")"
            continue
        }
        mapped=libpvm
        [ $way = shared ] || mapped=go/static
        LD_LIBRARY_PATH=$folder watch go_$way $mapped "$work/go/$way"
    done
fi
[ -n "$done" ] || skip "neither python3 nor go is installed"
