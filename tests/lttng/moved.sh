#!/bin/sh
# A host that sends the guest elsewhere (pvm_set_pc) and gives it gas: blocks, gas and host calls of an imported trace are those
# of a recording in process, and so are prices; where a trace cannot tell, the price is an estimate and says so.
set -eu
. "$(dirname "$0")/lib.sh"
mover=$6

cat >"$work/moved.asm" <<END
.spec SPEC
    load_imm r2, 20
    fallthrough
loop:
    add_imm_64 r3, r3, 1
    ecalli 1
    add_imm_64 r4, r4, 1
    add_imm_64 r4, r4, 1
    trap
elsewhere:
    add_imm_64 r5, r5, 1
    xor r6, r5, r3
    add_imm_64 r2, r2, -1
    branch_ne_imm r2, 0, @loop
    trap
END
priced() { "$pvmscope" recost "$1" --spec "$2" --format json 2>/dev/null | sed -n 's/.*"other_gas":\([0-9]*\).*"certainty":"\([a-z]*\)".*/\1 \2/p' | head -n 1; }
for spec in 0.7.2 0.8.0; do
    sed "s/SPEC/$spec/" "$work/moved.asm" >"$work/now.asm"
    "$pvmscope" asm "$work/now.asm" -o "$work/moved$spec.pvm"
    # The begin of a block, and its second instruction.
    elsewhere=$("$pvmscope" info "$work/moved$spec.pvm" --spec $spec --blocks --format csv 2>/dev/null | sed -n '4s/,.*//p')
    for backend in interpreter recompiler; do
    for to in $elsewhere $((elsewhere + 3)); do
        for way in process lttng; do
            rm -f "$work/$way.db"
            timeout 60 "$pvmscope" record "$work/moved$spec.pvm" --spec $spec --backend $backend --host "$mover" --reg r9=$to --via $way \
                -o "$work/$way.db" >"$work/$way.txt" 2>&1 || true
            [ -s "$work/$way.db" ] || fail "$(cat "$work/$way.txt")"
            dump "$work/$way.db" >"$work/$way.rows"
            grep -v '^cut|' "$work/$way.rows" >"$work/$way.kept"
        done
        diff "$work/process.kept" "$work/lttng.kept" >"$work/diff.txt" || fail "$spec $backend: $(head -n 10 "$work/diff.txt")"
        for other in 0.7.2 0.8.0 latest64; do
            [ $other != $spec ] || continue
            here=$(priced "$work/process.db" $other)
            there=$(priced "$work/lttng.db" $other)
            echo "$spec $backend to $to under $other: in process $here, imported $there"
            case $here in *exact) ;; *) fail "not exact in process" ;; esac
            case $there in
            "$here") ;;
            *estimated) [ $other = 0.7.2 ] || fail "only the price of instructions may be an estimate" ;;
            *) fail "another price, and called exact" ;;
            esac
        done
    done
    done
done
