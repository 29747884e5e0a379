# Errors name file and line; nothing is written.
. "$CLI/lib.sh"
run() { pvmscope asm "$@"; echo "[$?]"; }
exec 2>&1
printf 'trap\nfrobnicate r1\n' >unknown.asm
printf 'jump nowhere\n' >label.asm
printf 'sbrk r1, r2\n' >spec.asm
printf '.spec 0.7.2\nsbrk r1, r2\n' >right.asm
printf '\0' >binary.asm
run unknown.asm -o out.pvm
run binary.asm -o out.pvm
run label.asm -o out.pvm
run spec.asm -o out.pvm
run spec.asm -o out.pvm --spec 0.7.2
run right.asm -o out.pvm
run right.asm
run missing.asm -o out.pvm
printf 'trap\n' | pvmscope asm - -o stdin.pvm && od -An -tx1 stdin.pvm
echo precious >notes
run right.asm -o notes
run right.asm -o notes --force
run right.asm -o missing/out.pvm
mkdir folder
run right.asm -o folder
ls
