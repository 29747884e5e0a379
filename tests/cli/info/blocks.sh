# One row for each basic block, with the gas of the spec.
. "$CLI/lib.sh"
echo_program 0.7.2
printf '.spec 0.7.2\nload_imm r1, 5\nbranch_eq_imm r1, 5, @0\nfallthrough\ntrap\n' >branch.asm
pvmscope asm branch.asm -o branch.pvm
for spec in 0.7.2 0.8.0 latest64; do
    pvmscope info branch.pvm --blocks --spec $spec --format json
    pvmscope info echo.pvm --blocks --spec $spec --format csv
done
pvmscope info branch.pvm --blocks --spec 0.7.2
