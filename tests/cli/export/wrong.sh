# Wrong calls, and two runs in one picture.
exec 2>&1
cp "$GUESTS/service.jam" .
pvmscope record service.jam -o a.db >/dev/null
pvmscope record service.jam --gas 100000 -o b.db >/dev/null
run() { pvmscope "$@"; echo "[$?]"; }
run export a.db b.db --format pprof
run export a.db b.db a.db --format svg
run export a.db --format xml
run export a.db --format folded --value weight
run export missing.db --format svg
run export a.db --format speedscope -o missing/file
run export a.db --format speedscope -o service.jam
run export service.jam --format firefox
echo "-- nothing was recorded"
printf '.spec 0.8.0\ntrap\n' >trap.asm
pvmscope asm trap.asm -o trap.pvm
pvmscope record trap.pvm --gas 0 --spec 0.8.0 -o empty.db >/dev/null
for format in svg folded speedscope firefox callgrind perfetto csv json jip3; do
    pvmscope export empty.db --format $format >out || echo "$format [$?]"
done
echo "-- before and after"
pvmscope export b.db a.db --format svg | grep -o 'gas: [0-9, a-z;]*'
