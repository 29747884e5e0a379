# Several recordings into one file, and reports over several, agree with each other.
. "$CLI/lib.sh"
cp "$GUESTS/service-0.7.2.polkavm" "$GUESTS/service.polkavm" "$GUESTS/sieve.jam" .
pvmscope record service-0.7.2.polkavm --entry refine -o a.db --instrument counts,edges,hostcalls,memory >/dev/null
pvmscope record service.polkavm --entry refine -o b.db >/dev/null
pvmscope record sieve.jam --gas 1000 -o c.db >/dev/null
pvmscope record service-0.7.2.polkavm --entry refine -o d.db >/dev/null
pvmscope merge a.db b.db c.db d.db -o all.db | without_times
pvmscope report all.db --by recording --format csv | cut -d, -f1,2,4,5,7
pvmscope report all.db --by service --format csv | cut -d, -f1-8
mkdir runs
cp [a-d].db runs
for by in function block hostcall edge service; do
    pvmscope report all.db --by $by --top 0 --format csv >merged 2>/dev/null
    pvmscope report a.db b.db c.db d.db --by $by --top 0 --format csv 2>/dev/null | diff merged - && echo "$by: same"
    pvmscope report runs --by $by --top 0 --format csv 2>/dev/null | diff merged - && echo "$by: same from a folder"
done
# Host calls, exports and other commands read it as any run file.
pvmscope hostcalls all.db --format csv | wc -l
pvmscope recost all.db --spec 0.8.0 --format json 2>/dev/null | grep -o '"other_gas":[0-9]*' | head -n 1
pvmscope export all.db --format folded | awk '{ sum += $NF } END { print sum }'
pvmscope report runs --top 2 >text
grep -e ' by gas' text
wc -L <text
# What is no run file is left out of a folder, and said.
echo text >runs/note.db
pvmscope report runs --by service --format csv 2>&1 | sed -n 1p
pvmscope merge runs -o all.db --format csv 2>&1 | grep 'left out'
