#!/bin/sh
# Builds and runs the benches: ratios and unit costs, measured in turn in one process.
#   scripts/bench.sh [all|guests|compile|bill|...] [--quick] [--only GUEST] [--format text|json]     (default: all)
#   scripts/bench.sh cost     also host calls under LTTng: not with real-time priority (chrt -f), which starves its daemons
#   scripts/bench.sh import [--events 10000000]      a trace of so many host calls: speed, and memory beside half of it
#   scripts/bench.sh peers [--program FILE]          other engines for these programs in turn with libpvm; cargo, and npm for one of them
#   scripts/bench.sh off      what is compiled in and off costs, and the flight record: instructions under callgrind
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/packages.sh
bench=${1:-}
if [ "$bench" = peers ]; then
    # shellcheck disable=SC2046 # lists of words
    install_packages $(packages_of cargo:cargo-web) >&2
fi
# shellcheck disable=SC2086 # lists of words
install_packages $build_packages clang-19 >&2
target=pvm-bench
case $bench in
off)
    install_packages valgrind python3 >&2
    target=pvmscope
    ;;
peers) target=pvm_shared ;;
esac
mkdir -p build
{ cmake -G Ninja -S . -B build && cmake --build build --target $target; } >build/bench.log 2>&1 ||
    { tail -n 20 build/bench.log >&2; exit 1; }
case $bench in
off)
    shift
    exec bench/off.py "$@"
    ;;
peers)
    shift
    PVM_LIB_DIR=$root/build/lib CARGO_TARGET_DIR=$root/build/peers \
        cargo build --release --locked --manifest-path bench/peers/Cargo.toml >build/bench.log 2>&1 ||
        { tail -n 20 build/bench.log >&2; exit 1; }
    if command -v node >/dev/null && command -v npm >/dev/null; then
        PVM_PEERS_ANAN=$root/build/peers/anan
        export PVM_PEERS_ANAN
        mkdir -p "$PVM_PEERS_ANAN"
        cp bench/peers/anan/* "$PVM_PEERS_ANAN"
        # A copy of the lock file stands beside what was installed by it: a second run needs no registry.
        installed=$PVM_PEERS_ANAN/node_modules/installed
        cmp -s bench/peers/anan/package-lock.json "$installed" ||
            { npm ci --prefix "$PVM_PEERS_ANAN" && cp bench/peers/anan/package-lock.json "$installed"; } >build/bench.log 2>&1 ||
            { tail -n 20 build/bench.log >&2; exit 1; }
    fi
    exec build/peers/release/pvm-peers "$@"
    ;;
esac
if [ $# -eq 0 ]; then
    set -- all
fi
case $1 in
--*) set -- all "$@" ;;
esac
exec build/bin/pvm-bench "$@"
