# Before and after: functions by name and by code, what came, went and changed; the same in a differential flame graph.
. "$CLI/lib.sh"
cp "$GUESTS/service-0.7.2.polkavm" "$GUESTS/recursive-0.7.2.polkavm" .
pvmscope record recursive-0.7.2.polkavm --reg r7=6 -o before.db >/dev/null
pvmscope record recursive-0.7.2.polkavm --reg r7=7 -o after.db >/dev/null
pvmscope compare before.db after.db
pvmscope compare before.db after.db --top 2 --format md | sed -n '/^## Functions/,$p'
pvmscope compare before.db after.db --format json | sed -n '/"functions"/,$p'
# The differences of the table are those of the picture and of the stacks.
pvmscope compare before.db after.db --top 0 --format csv 2>/dev/null | sed -n '/^function,gas_before/,/^$/p' |
    awk -F, 'NF > 4 && $2 != "gas_before" { print $1, $2, $3 }' | sort >table
pvmscope export before.db after.db --format folded | awk '{ n = split($1, f, ";"); b[f[1]] += $2; a[f[1]] += $3 }
    END { for (i in a) if (a[i] != b[i]) print i, b[i], a[i] }' | sort | diff table - && echo 'folded agrees'
pvmscope export before.db after.db --format svg |
    sed -n 's/.*<title>\([a-z_]*\): \([0-9]*\) gas.*before \([0-9]*\).*/\1 \3 \2/p' | sort -u >picture
grep -v guest table >drawn
grep -F -x -f drawn picture | diff drawn - && echo 'svg agrees'
# Without names functions are matched by their code: one moved, one changed, one came and one went.
sum="add_64 r1, r1, r2
    mul_64 r2, r1, r1
    xor r3, r2, r1
    or r4, r3, r2
    and r5, r4, r3
    sub_64 r6, r5, r1
    jump_ind r0, 0"
mix="sub_32 r4, r2, r1
    add_32 r5, r4, r2
    shlo_l_64 r6, r5, r4
    max r7, r6, r5
    min r8, r7, r4
    xnor r9, r8, r1
    rot_l_64 r9, r8, r1
    rot_r_64 r9, r9, r1
    sub_64 r9, r9, r4
    and_inv r9, r9, r4
    jump_ind r0, 0"
old="mul_32 r1, r2, r3
    div_u_32 r4, r1, r2
    rem_u_32 r5, r4, r1
    rem_s_32 r5, r4, r1
    div_s_32 r5, r4, r1
    jump_ind r0, 0"
new="set_lt_u r1, r2, r3
    cmov_iz r4, r1, r2
    cmov_nz r5, r4, r1
    set_lt_s r6, r4, r1
    or_inv r7, r4, r1
    jump_ind r0, 0"
# build NAME FIRST SECOND THIRD: a program that calls three functions
build()
{
    cat >$1.asm <<END
.spec 0.7.2
.jump_table @a, @b, @c
    load_imm_jump r0, 2, @first
a:  load_imm_jump r0, 4, @second
b:  load_imm_jump r0, 6, @third
c:  load_imm r0, -65536
    jump_ind r0, 0
first:
    $2
second:
    $3
third:
    $4
END
    pvmscope asm $1.asm -o $1.pvm
    pvmscope record $1.pvm --spec 0.7.2 -o $1.db >/dev/null
}
build old "$old" "$sum" "$mix"
build new "$(echo "$mix" | sed 's/shlo_l_64/shlo_r_64/')" "$new" "$sum"
pvmscope compare old.db new.db | sed -n '/^Functions that changed/,/^$/p'
# Calls that both recordings followed are exact, and not the arrivals at a first block that is the head of a loop, too.
cat >loop.asm <<END
.spec 0.7.2
.jump_table @a, @b, @c
    load_imm_jump r0, 2, @loop
a:  load_imm_jump r0, 4, @loop
b:  load_imm_jump r0, 6, @loop
c:  load_imm r0, -65536
    jump_ind r0, 0
loop:
    add_imm_64 r2, r2, 1
    branch_lt_u r2, r3, @loop
    load_imm r2, 0
    jump_ind r0, 0
END
pvmscope asm loop.asm -o loop.pvm
pvmscope record loop.pvm --spec 0.7.2 --reg r3=10 --instrument counts,calls -o short.db >/dev/null
pvmscope record loop.pvm --spec 0.7.2 --reg r3=25 --instrument counts,calls -o long.db >/dev/null
pvmscope compare short.db long.db | sed -n '/^Gas \(per\|for\)/,/^Host calls/p'
pvmscope record loop.pvm --spec 0.7.2 --reg r3=25 --instrument counts -o long.db >/dev/null
pvmscope compare short.db long.db | sed -n '/^Gas \(per\|for\)/,/^Host calls/p'
# The same that the call tree has, and a tree that does not explain all gas is none.
pvmscope record recursive-0.7.2.polkavm --reg r7=6 --instrument counts,calls -o before.db >/dev/null
pvmscope record recursive-0.7.2.polkavm --reg r7=7 --instrument counts,calls -o after.db >/dev/null
pvmscope compare before.db after.db --format csv 2>/dev/null | sed -n '/^function,calls_before/,/^$/p' |
    awk -F, 'NF > 4 && $2 != "calls_before" { print $1, $2, $3 }' | sort >table
for i in before after; do
    sqlite3 -separator ' ' $i.db "select function, calls from hot_functions order by 1" >$i.calls
done
join before.calls after.calls | diff table - && echo 'calls agree'
pvmscope compare before.db after.db --format csv 2>/dev/null | sed -n '/^function,calls_before/,/^$/p' |
    awk -F, 'NF > 4 && $2 != "calls_before" { printf "%s %.0f %.0f\n", $1, $2 * $4, $3 * $5 }' | sort >table
for i in before after; do
    sqlite3 -separator ' ' $i.db "select function, total_gas from hot_functions order by 1" >$i.gas
done
join before.gas after.gas | diff table - && echo 'gas per call agrees'
pvmscope compare before.db after.db | sed -n '/^Gas per/,/^Host calls/p'
# A function that stays as it was and calls one that became dearer.
for i in 1 2; do
    cat >nested.asm <<END
.spec 0.7.2
.jump_table @a, @b
    load_imm_jump r0, 2, @outer
a:  load_imm r0, -65536
    jump_ind r0, 0
outer:
    move_reg r9, r0
    load_imm_jump r0, 4, @inner
b:  jump_ind r9, 0
inner:
    $(yes 'add_imm_64 r2, r2, 1' | head -n $((i * 10)) | sed '2,$s/^/    /')
    jump_ind r0, 0
END
    pvmscope asm nested.asm -o nested$i.pvm
    pvmscope record nested$i.pvm --spec 0.7.2 --instrument counts,calls -o nested$i.db >/dev/null
done
pvmscope compare nested1.db nested2.db | sed -n '/^Gas per/,/^Host calls/p'
# Beside a recording without calls the picture is by place on both sides: no frame of one side alone.
pvmscope record recursive-0.7.2.polkavm --reg r7=7 --instrument counts -o plain.db >/dev/null
pvmscope export after.db plain.db --format folded | awk '$2 != $3' | diff /dev/null - && echo 'stacks agree'
sqlite3 after.db "update call_node set gas = gas - 1 where id = 1"
pvmscope compare before.db after.db | grep '^Gas [pf]'
