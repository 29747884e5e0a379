# Files of version 1 of the schema have fewer tables, and are read all the same.
. "$CLI/lib.sh"
exec 2>&1
cp "$GUESTS/quicksort.polkavm" .
pvmscope record quicksort.polkavm -o run.db --gas 100000 >/dev/null
cp run.db old.db
sqlite3 old.db 'SELECT name FROM sqlite_master WHERE type = '"'table'"' AND name NOT IN ("info", "program", "vm",
    "vm_process", "execution", "total", "function", "block", "edge", "host_function", "host_call", "host_call_register",
    "host_memory", "host_site", "host_slice", "host_total", "flight", "flight_frame", "flight_call", "flight_block", "lost")' |
    while read -r table; do sqlite3 old.db "DROP TABLE $table"; done
sqlite3 old.db 'DROP VIEW hot_functions; CREATE VIEW hot_functions (function, calls, self_gas, total_gas, program) AS
    SELECT f.name, NULL, sum(b.gas), NULL, b.program FROM block b JOIN function f ON f.program = b.program AND
    f.id = b.function GROUP BY b.program, b.function ORDER BY sum(b.gas) DESC, b.program, f.pc; PRAGMA user_version = 1'
for by in function block edge hostcall service path; do
    pvmscope report run.db --by $by --format csv 2>/dev/null >new.csv
    pvmscope report old.db --by $by --format csv 2>/dev/null | cmp - new.csv && echo "$by: the same"
done
pvmscope report old.db --by opcode --top 3
pvmscope report old.db >/dev/null || echo "[$?]"
pvmscope annotate old.db --top 1 --show source >/dev/null || echo "[$?]"
pvmscope report old.db --symbols quicksort.polkavm --by line --top 1
for format in html callgrind pprof folded svg json; do
    pvmscope export old.db --format $format -o out || echo "$format [$?]"
done
