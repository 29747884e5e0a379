#!/bin/sh
# Where it is not permitted, or the kernel lacks something, one line says what is missing and what to do.
set -eu
. "$(dirname "$0")/lib.sh"

start_target t 300 1000 0 1
begin t

# refused WHAT PATTERN COMMAND...: exit code 4, one line with the pattern and the other way
refused()
{
    what=$1 pattern=$2
    shift 2
    status=0
    "$@" "$pvmscope" attach --pid $pid -o "$work/no.db" >"$work/no.out" 2>"$work/no.err" || status=$?
    expect "$what" "$status $(wc -l <"$work/no.err")" "4 1"
    grep -q "$pattern" "$work/no.err" || fail "does not say $pattern: $(cat "$work/no.err")"
    grep -q LTTng "$work/no.err" || fail "does not name the other way"
    [ ! -e "$work/no.db" ] || fail "a file was left"
}

command -v setpriv >/dev/null || skip "setpriv is not installed"
chmod 777 "$work"
# Where the program cannot be read by others, what is tested is nothing but that.
if setpriv --reuid 65534 --regid 65534 --clear-groups "$pvmscope" version >/dev/null 2>&1; then
    refused "nobody" "CAP_SYS_ADMIN" setpriv --reuid 65534 --regid 65534 --clear-groups
fi
refused "root without capabilities" "CAP_SYS_ADMIN" setpriv --bounding-set -all --inh-caps -all
if unshare -m true 2>/dev/null; then
    refused "no uprobes" "CONFIG_UPROBE_EVENTS" unshare -m sh -c \
        'mount -t tmpfs tmpfs /sys/bus/event_source/devices && exec "$@"' sh
    refused "no types" "CONFIG_DEBUG_INFO_BTF" unshare -m sh -c \
        'mount -t tmpfs tmpfs /sys/kernel/btf && exec "$@"' sh
fi
