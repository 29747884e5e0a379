# A folder of 1,000 runs.
. "$CLI/lib.sh"
printf '.spec 0.7.2\n    ecalli 1\n    load_imm r1, 1\n    trap\n' >small.asm
pvmscope asm small.asm -o small.pvm
pvmscope record small.pvm --spec 0.7.2 -o small.db >/dev/null
mkdir runs
seq -f 'runs/%g.db' 1000 >names
xargs -a names tee <small.db >/dev/null
pvmscope report runs --by service --format csv | cut -d, -f1-8
pvmscope report runs --by recording --format csv --top 2 | cut -d, -f1,2
