# A folder of 1,000 runs.
. "$CLI/lib.sh"
printf '.spec 0.7.2\n    ecalli 1\n    load_imm r1, 1\n    trap\n' >small.asm
pvmscope asm small.asm -o small.pvm
pvmscope record small.pvm --spec 0.7.2 -o small.db >/dev/null
mkdir runs
for i in $(seq 1000); do cp small.db runs/$i.db; done
pvmscope report runs --by service --format csv | cut -d, -f1-8
pvmscope report runs --format json --top 1 2>/dev/null | grep -o '"gas_used":[0-9]*' | head -n 1
