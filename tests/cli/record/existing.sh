# An older run file is replaced, other files only with --force, folders never.
. "$CLI/lib.sh"
printf 'trap\n' >trap.asm
pvmscope asm trap.asm -o trap.pvm
run() { pvmscope record trap.pvm "$@" >/dev/null; echo "[$?]"; }
exec 2>&1
run -o run.db
run -o run.db
echo precious >notes
run -o notes
cat notes
run -o notes --force
pvmscope report notes --format csv >/dev/null
: >empty
run -o empty
mkdir folder
run -o folder
run -o folder --force
run -o missing/run.db
ls
