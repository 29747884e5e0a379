# Names from a real ELF file by its real linker, both of which are built here: of a guest as scripts/build-guests.sh makes it.
. "$CLI/lib.sh"
guest_linker
examples=$GUESTS/../..
export PATH="$GUEST_BUILD/linker/release:$PATH"
exec 2>&1
build() # name version
{
    for source in $1 runtime; do
        clang-19 --target=riscv64-unknown-none-elf -march=rv64emac_zbb_xtheadcondmov -mabi=lp64e \
            -mcmodel=medany -fpie -mno-strict-align -std=c17 -O2 -ffreestanding -fno-vectorize -fno-slp-vectorize -g \
            $([ $source != runtime ] || echo -fno-builtin) "-DGUEST_JAM_VERSION=$2" -c "$examples/guest/$source.c" -o $source.o
    done
    ld.lld-19 -static -z notext --no-relax --emit-relocs -e 0 "$1.o" runtime.o -o "$1-$2.elf"
}
build service 80
build service 72
build sieve 80
for spec in 0.8.0:80: 0.7.2:72:-0.7.2; do
    version=${spec#*:}
    version=${version%%:*}
    program=service${spec##*:}
    cp "$GUESTS/$program.jam" "$GUESTS/$program.polkavm" .
    pvmscope record "$program.jam" --spec "${spec%%:*}" --gas 40000 -o "$program.db" >/dev/null
    for symbols in "service-$version.elf" "$program.polkavm"; do
        pvmscope report "$program.db" --symbols "$symbols" --by function >"$symbols.report"
        # Files are named as seen from where they were compiled.
        pvmscope report "$program.db" --symbols "$symbols" --by line --format csv 2>/dev/null |
            sed 's/[^,]*guest\///' >>"$symbols.report"
        pvmscope export "$program.db" --symbols "$symbols" --format folded >>"$symbols.report"
    done
    cmp "service-$version.elf.report" "$program.polkavm.report" && head -n 4 "$program.polkavm.report"
done
# Those of another program, another spec, without what the linker needs.
run() { "$@"; echo "[$?]"; }
run pvmscope report service.db --symbols service-72.elf
run pvmscope report service.db --symbols sieve-80.elf
head -c 3000 sieve-80.elf >cut.elf
run pvmscope report service.db --symbols cut.elf
