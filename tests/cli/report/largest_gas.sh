# A host that gives gas back to a program that began with the most there can be: no sum overflows.
. "$CLI/lib.sh"
printf '.spec 0.7.2\necalli 1\njump_ind r0, 0\n' >most.asm
pvmscope asm most.asm -o most.pvm
cat >most.log <<END
program 0x$(hex most.pvm)
start pc=0 gas=9223372036854775807 r00=0xffff0000
ecalli=1 pc=0 gas=9223372036854775806 r00=0xffff0000
setgas <- 9223372036854775807
HALT pc=2 gas=9223372036854775806 r00=0xffff0000
END
pvmscope record most.log --spec 0.7.2 -o run.db --format csv | cut -d, -f1-9
pvmscope report run.db --by service --format csv | cut -d, -f1-5
# Several of them: a sum that means nothing is not shown, and the gas used is exact.
mkdir runs
for run in 1 2 3; do
    cp run.db runs/$run.db
    pvmscope merge runs -o all.db | grep -e gas -e more
    sqlite3 all.db 'SELECT gas_used, gas_start, gas_end FROM gas_summary'
done
