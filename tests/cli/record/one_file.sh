# A finished recording is one file, which a reader without a right to write beside it can read and leaves as it is.
. "$CLI/lib.sh"
printf 'trap\n' >trap.asm
pvmscope asm trap.asm -o trap.pvm
mkdir runs
pvmscope record trap.pvm -o runs/run.db >/dev/null
ls runs
cksum <runs/run.db >before
pvmscope report runs/run.db >/dev/null
echo "report [$?]"
ls runs
chmod -w runs runs/run.db
pvmscope report runs/run.db >/dev/null
echo "report [$?]"
ls runs
chmod +w runs runs/run.db
cksum <runs/run.db | cmp - before && echo "the file is as it was"
