# Names from an ELF file: its linker is run again, and what comes out is proven. Here its part is played by a script that has
# the containers; linked.sh has the real one.
. "$CLI/lib.sh"
exec 2>&1
cp "$GUESTS/sieve.jam" "$GUESTS/sieve.polkavm" "$GUESTS/sieve-0.7.2.polkavm" "$CLI/symbols/sieve-plain.polkavm" .
run() { "$@"; echo "[$?]"; }
printf '\177ELF of sieve' >sieve.elf
cat >linker <<'END'
#!/bin/sh
echo "linker $1 $(cat "$2") $4" >>log
case "$1 $4" in
'0.8.0 refine') cat sieve.polkavm >"$3" ;;
'0.8.0 ') cat sieve-plain.polkavm >"$3" ;;
*)
    printf 'looking\n\033[31m%s: cannot do it\n\n' "$2" >&2
    exit 1
    ;;
esac
END
chmod +x linker
export PVM_LINKER=./linker
pvmscope record sieve.jam --spec 0.8.0 --gas 40000 -o bare.db >/dev/null
pvmscope record sieve.jam --spec 0.8.0 --gas 40000 --symbols sieve.elf -o named.db >/dev/null
# First without a dispatch table; the program says which exports it begins with.
tr '\177' '?' <log
pvmscope report bare.db --by function
pvmscope report bare.db --symbols sieve.elf --by function
pvmscope report named.db --by function
# What a .polkavm file gives, an ELF file gives: names, lines, inlined frames, also of where it stopped.
for symbols in sieve.elf sieve.polkavm; do
    pvmscope report bare.db --symbols $symbols | without_times >$symbols.report
    pvmscope report bare.db --symbols $symbols --by line >>$symbols.report
    pvmscope annotate bare.db --symbols $symbols --show source >$symbols.annotate
    pvmscope export bare.db --symbols $symbols --format folded >$symbols.folded
    pvmscope recost bare.db --symbols $symbols --spec 0.7.2 >$symbols.recost
    pvmscope disasm sieve.jam --spec 0.8.0 --symbols $symbols >$symbols.disasm
    pvmscope run sieve.jam --spec 0.8.0 --gas 40000 --symbols $symbols | without_times >$symbols.run
done
for what in report annotate folded recost disasm run; do
    cmp sieve.elf.$what sieve.polkavm.$what
done
head -n 2 sieve.elf.report
# The one without a dispatch table is itself at the first try.
pvmscope disasm sieve-plain.polkavm --symbols sieve.elf | grep -c '^; [a-z_]*:$'
# Another program, another spec.
cp "$GUESTS/quicksort.jam" .
run pvmscope disasm quicksort.jam --spec 0.8.0 --symbols sieve.elf
run pvmscope disasm sieve-0.7.2.polkavm --symbols sieve.elf
# Not a guest at all.
{ printf '\177ELF\2\1\1' && head -c 11 /dev/zero && printf '\76\0and more'; } >host.elf
run pvmscope disasm sieve.jam --symbols host.elf
# Linkers that are none.
run env PVM_LINKER=./missing pvmscope report bare.db --symbols sieve.elf
run env PVM_LINKER=true pvmscope report bare.db --symbols sieve.elf
run env PVM_LINKER=false pvmscope report bare.db --symbols sieve.elf
run env PVM_LINKER= PATH="$(dirname "$(command -v pvmscope)")" pvmscope report bare.db --symbols sieve.elf
cat >linker <<'END'
#!/bin/sh
echo no container >"$3"
END
run pvmscope report bare.db --symbols sieve.elf
cat >linker <<'END'
#!/bin/sh
cat sieve.jam >"$3"
END
run pvmscope report bare.db --symbols sieve.elf
