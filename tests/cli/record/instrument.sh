# What is not collected is not in the file, and the report says so.
. "$CLI/lib.sh"
echo_trace
for list in counts edges hostcalls counts,hostcalls; do
    pvmscope record echo.log -o run.db --instrument $list >/dev/null
    echo "== $list"
    for by in block edge hostcall; do
        pvmscope report run.db --by $by --format csv | cut -d, -f1-5 | sed 's/^/    /'
    done
done 2>&1
# Host memory can be collected too; host calls come with it.
pvmscope record echo.log -o run.db --via process >/dev/null
pvmscope record echo.log -o run.db --instrument memory >/dev/null
pvmscope report run.db --format json 2>/dev/null | grep -o '"instrumentation":"[^"]*"'
pvmscope report run.db --by service --format csv 2>/dev/null | cut -d, -f1-5
