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
