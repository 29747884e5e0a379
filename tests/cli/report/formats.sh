# One report in every format.
. "$CLI/lib.sh"
cp "$GUESTS/service-0.7.2.polkavm" .
pvmscope record service-0.7.2.polkavm --entry refine -o run.db --gas 100000 --backend interpreter >/dev/null
pvmscope report run.db --top 3 | without_times | sed '/^Host calls by gas/,$d'
pvmscope report run.db --top 3 --format md | without_times | sed '/^## Host calls/,$d'
pvmscope report run.db --top 3 --format json |
    sed -e 's/"\(duration_ns\|mean_ns\)":[0-9]*/"\1":N/g' -e 's/"created":"[^"]*"/"created":"T"/'
for by in function block edge; do
    pvmscope report run.db --by $by --top 3 --format csv
done
pvmscope report run.db --by hostcall --format csv | cut -d, -f1-6
