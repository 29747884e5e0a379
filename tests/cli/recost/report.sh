# The report in every format, and what it says of runs that end inside of a block.
. "$CLI/lib.sh"
cp "$GUESTS/service-0.7.2.polkavm" .
pvmscope record service-0.7.2.polkavm --entry refine -o run.db >/dev/null
pvmscope recost run.db --spec 0.8.0 --top 3
pvmscope recost run.db --spec 0.8.0 --top 2 --by block --format md
pvmscope recost run.db --spec 0.8.0 --top 2 --format csv
pvmscope recost run.db --spec 0.7.2 --top 1 --format json
cat >middle.asm <<END
.spec 0.8.0
    load_imm r1, 1
    load_u8 r2, 0x20000
    unlikely
    load_imm r3, 1
    trap
END
pvmscope asm middle.asm -o middle.pvm
pvmscope record middle.pvm --spec 0.8.0 -o middle.db >/dev/null
pvmscope recost middle.db --spec 0.7.2
pvmscope record middle.pvm --spec 0.8.0 --gas 1 -o middle.db >/dev/null
pvmscope recost middle.db --spec 0.7.2 --by block
pvmscope recost run.db --spec 0.8.0 --top 0 | wc -L
