# The listing is a source: it assembles to the same octets, for every guest.
. "$CLI/lib.sh"
echo_program 0.7.2
pvmscope disasm echo.pvm --spec 0.7.2
pvmscope disasm echo.pvm --spec 0.7.2 --octets
pvmscope disasm echo.pvm --spec 0.7.2 --format csv
for guest in "$GUESTS"/*.polkavm; do
    pvmscope convert "$guest" -o one.pvm --to raw
    pvmscope disasm "$guest" --octets >one.asm
    pvmscope asm one.asm -o two.pvm
    cmp one.pvm two.pvm && same=$((same + 1))
done
[ "$same" -ge 16 ] && echo "every guest: the same"
