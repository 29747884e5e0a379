pvmscope help
pvmscope help >long && pvmscope --help >option && cmp long option
pvmscope --version
pvmscope version
pvmscope run --help
pvmscope help help
for command in record report replay info disasm asm convert help version; do
    pvmscope help $command >long && pvmscope $command --help >option && cmp long option
    awk -v name=$command 'length > 80 { print name ": " $0 }' long
done
pvmscope help rnu
echo "[$?]"
pvmscope help qqqqqq
echo "[$?]"
