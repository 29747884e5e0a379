# A caller that closed the standard descriptors gets no file that is written over by what is printed.
. "$CLI/lib.sh"
printf 'trap\n' >trap.asm
pvmscope asm trap.asm -o trap.pvm
pvmscope record trap.pvm -o run.db >&-
echo "[$?]"
pvmscope report run.db --by block --format csv 2>/dev/null | cut -d, -f1-4
pvmscope record trap.pvm -o run.db <&- 2>&- >&-
echo "[$?]"
pvmscope report run.db --by block --format csv 2>/dev/null | cut -d, -f1-4
