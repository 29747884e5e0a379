#!/bin/sh
# Builds and runs the benches: ratios and unit costs, measured in turn in one process.
#   scripts/bench.sh [all|guests|compile|bill|...] [--quick] [--only GUEST] [--format text|json]     (default: all)
#   scripts/bench.sh cost     also host calls under LTTng: not with real-time priority (chrt -f), which starves its daemons
#   scripts/bench.sh import [--events 10000000]      a trace of so many host calls: speed, and memory beside half of it
#   scripts/bench.sh off      what is compiled in and off costs, and the flight record: instructions under callgrind
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/packages.sh
# shellcheck disable=SC2086 # lists of words
install_packages $build_packages clang-19 >&2
target=pvm-bench
if [ "${1:-}" = off ]; then
    install_packages valgrind python3 >&2
    target=pvmscope
fi
mkdir -p build
{ cmake -G Ninja -S . -B build && cmake --build build --target $target; } >build/bench.log 2>&1 ||
    { tail -n 20 build/bench.log >&2; exit 1; }
if [ "${1:-}" = off ]; then
    shift
    exec bench/off.py "$@"
fi
if [ $# -eq 0 ]; then
    set -- all
fi
case $1 in
--*) set -- all "$@" ;;
esac
exec build/bin/pvm-bench "$@"
