# Blocks and host calls in the order in which they came, with gas where it was told one by one.
. "$CLI/lib.sh"
cat >loop.asm <<'END'
loop:
    ecalli 0
    add_imm_64 r8, r8, -1
    branch_ne_imm r8, 0, loop
end:
    trap
END
pvmscope asm loop.asm -o loop.pvm
for what in blocks gas,hostcalls; do
    pvmscope record loop.pvm --spec 0.8.0 --reg r8=2 --instrument $what -o run.db >/dev/null
    pvmscope report run.db --by trace --top 0 --format csv
done
pvmscope report run.db --by trace --top 3
pvmscope record loop.pvm --spec 0.8.0 --reg r8=2 -o run.db >/dev/null
pvmscope report run.db --by trace
echo "[$?]"
