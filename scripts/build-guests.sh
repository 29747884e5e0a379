#!/bin/sh
# Rebuilds every blob of examples/guest/blobs from source, in both opcode numberings, with debug
# information, the changed service of docs/tutorial.md, and two guests in PolkaVM's own numbering without a bitmask. The result depends on the sources (their line numbers, too) and
# the versions of the tools only, not on where the checkout lies. Installs what is missing as a package of Debian 12; what
# cargo builds of the linker comes from its registry.
#
#   scripts/build-guests.sh            rebuild all
#   scripts/build-guests.sh --check    rebuild elsewhere and compare; exit 1 names what differs
#
# PVM_GUEST_BUILD   where intermediate files go (build/guests)
# PVMSCOPE          the program that writes the .jam forms (build/bin/pvmscope); without it they stay
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=${PVM_GUEST_BUILD:-$root/build/guests}
pvmscope=${PVMSCOPE:-$root/build/bin/pvmscope}
committed=$root/examples/guest/blobs
blobs=$committed
sources=$root/examples
tutorial=$root/examples/tutorial
latest64=$root/examples/guest/latest64
llvm=19

case "${1:-}" in
'') ;;
--check) blobs=$build/blobs tutorial=$build/tutorial latest64=$build/latest64 ;;
*)
    echo "usage: build-guests.sh [--check]" >&2
    exit 2
    ;;
esac

. "$root/scripts/packages.sh"

install_tools() {
    # shellcheck disable=SC2046 # a list of words
    install_packages $(packages_of "clang-$llvm:clang-$llvm" "ld.lld-$llvm:lld-$llvm" patch:patch \
        cargo:cargo-web cargo:ca-certificates) >&2
}

# Sources are named as seen from examples/, which the debug information then calls "examples".
compile() { # jam_version source object [flag...]
    version=$1 source=$2 object=$3
    shift 3
    (cd "$sources" && "clang-$llvm" \
        --target=riscv64-unknown-none-elf -march=rv64emac_zbb_xtheadcondmov -mabi=lp64e \
        -mcmodel=medany -fpie -mno-strict-align -std=c17 -O2 -ffreestanding \
        -fno-vectorize -fno-slp-vectorize -g -fdebug-compilation-dir=examples \
        -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wcast-qual -Wundef -Wvla -Werror "-DGUEST_JAM_VERSION=$version" "$@" \
        -c "guest/$source" -o "$object")
}

build_guest() { # name spec jam_version suffix dispatch [folder]
    base=$build/$1-$2
    compile "$3" "$1.c" "$base.o"
    "ld.lld-$llvm" -static -z notext --no-relax --emit-relocs -e 0 \
        "$base.o" "$build/runtime-$2.o" -o "$base.elf"
    "$build/linker/release/pvm-guest-linker" "$2" "$base.elf" "${6:-$blobs}/$1$4.polkavm" "$5"
}

guest_names() {
    sed -n 's/^PVM_GUEST(\([a-z0-9_]*\),.*/\1/p' "$root/examples/guest/guests.def"
}

install_tools
mkdir -p "$build" "$blobs"
CARGO_TARGET_DIR=$build/linker cargo build --quiet --release --locked \
    --manifest-path "$root/examples/guest/linker/Cargo.toml"

for pair in 0.8.0:80: 0.7.2:72:-0.7.2; do
    spec=${pair%%:*}
    rest=${pair#*:}
    jam_version=${rest%%:*}
    suffix=${rest#*:}
    compile "$jam_version" runtime.c "$build/runtime-$spec.o" -fno-builtin
    for name in $(guest_names); do
        build_guest "$name" "$spec" "$jam_version" "$suffix" refine
    done
    build_guest service "$spec" "$jam_version" "$suffix" refine,accumulate
done

mkdir -p "$latest64"
cp "$build/runtime-0.8.0.o" "$build/runtime-latest64.o"
build_guest interp latest64 80 "" refine "$latest64"
build_guest service latest64 80 "" refine,accumulate "$latest64"

# What the tutorial makes of the service: the same sources with a patch.
sources=$build/patched
rm -rf "$sources"
mkdir -p "$sources/guest" "$tutorial"
cp "$root"/examples/guest/*.c "$root"/examples/guest/*.h "$sources/guest"
patch -s -p2 -d "$sources" <"$root/examples/tutorial/same-key.patch"
build_guest service 0.8.0 80 -tuned refine,accumulate "$tutorial"

if [ -x "$pvmscope" ]; then
    for blob in "$blobs"/*.polkavm; do
        "$pvmscope" convert "$blob" -o "${blob%.polkavm}.jam"
    done
else
    echo "build-guests.sh: no $pvmscope: the .jam forms are not rebuilt" >&2
fi

if [ "$blobs" != "$committed" ]; then
    differing=0
    compare() # FILE COMMITTED
    {
        if ! cmp -s "$1" "$2"; then
            echo "build-guests.sh: ${2#"$root"/} is not what the sources give" >&2
            differing=1
        fi
    }
    for blob in "$blobs"/*; do
        compare "$blob" "$committed/$(basename "$blob")"
    done
    for name in interp service; do
        compare "$latest64/$name.polkavm" "$root/examples/guest/latest64/$name.polkavm"
    done
    compare "$tutorial/service-tuned.polkavm" "$root/examples/tutorial/service-tuned.polkavm"
    exit $differing
fi
