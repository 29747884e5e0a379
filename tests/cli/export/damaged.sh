# Run files that do not add up, or lie: every format either writes a whole document or says in one line why not.
exec 2>&1
cp "$GUESTS/service.polkavm" .
pvmscope record service.polkavm --entry accumulate -o good.db >/dev/null
formats="html svg folded pprof speedscope firefox callgrind perfetto json csv jip3"
try()
{
    cp good.db bad.db
    sqlite3 bad.db "$2" >/dev/null
    results=
    for format in $formats; do
        pvmscope export bad.db --format $format -o out --force 2>error
        status=$?
        [ $status -eq 0 ] || [ $status -eq 3 ] || echo "$1: $format [$status]"
        [ "$(wc -l <error)" -le 2 ] || cat error
        case $status$format in
        0speedscope | 0firefox | 0perfetto | 0json | 0jip3) python3 -m json.tool out >/dev/null || echo "$format: no JSON" ;;
        0html) sed -n 's/.*id="data">//p' out | head -c 12 | grep -q '{"version":"' || echo "html: no data" ;;
        0svg) python3 -c 'import xml.etree.ElementTree as t; t.parse("out")' || echo "svg: no XML" ;;
        esac
        [ $status -eq 0 ] || results="$results $format"
    done
    echo "$1:${results:- all written}"
}
try "pcs beyond everything" "UPDATE block SET pc = 9223372036854775800 - pc, end_pc = -5;
    UPDATE host_call SET pc = -9223372036854775808; UPDATE function SET pc = -1"
try "ends before begins" "UPDATE block SET end_pc = pc - 1"
try "sums that overflow" "UPDATE block SET gas = 9223372036854775807, hits = 9223372036854775807;
    UPDATE host_total SET gas = 9223372036854775807; UPDATE host_call SET gas_after = -9223372036854775808"
try "below zero" "UPDATE block SET gas = -gas, hits = -hits; UPDATE host_site SET calls = -calls, gas = -7"
try "no functions" "DELETE FROM function"
try "no names" "UPDATE function SET name = ''; DELETE FROM host_function; UPDATE program SET name = ''"
try "another program" "UPDATE program SET blob = x'00ff00ff'"
try "no program" "DELETE FROM program"
try "no VM" "DELETE FROM vm"
try "blocks of no program" "UPDATE block SET program = 77"
try "times out of order" "UPDATE host_call SET started_ns = 1000000 - 7 * started_ns, duration_ns = -1"
try "text for numbers" "PRAGMA ignore_check_constraints = 1; UPDATE host_call SET started_ns = 'soon', gas_before = 'much';
    UPDATE execution SET gas_start = 'all', entry_pc = x'00'"
try "slices of no width" "UPDATE host_slice SET width = 0, seq = -seq"
try "no totals" "DELETE FROM total"
try "octets in names" "UPDATE function SET name = CAST(x'ff3c00c3' AS TEXT); UPDATE host_function SET name = CAST(x'e2803c' AS TEXT)"
