# The conversation of the service guest: listed, filtered, folded, by name. Times are masked.
. "$CLI/lib.sh"
cp "$GUESTS/service-0.7.2.polkavm" .
pvmscope record service-0.7.2.polkavm --entry refine -o run.db --backend interpreter >/dev/null
csv() { pvmscope hostcalls "$@" --format csv | sed -E 's/^([0-9]+),[0-9]+,/\1,AT,/; s/,[0-9]+$/,TIME/'; }
csv run.db
echo "-- filters"
csv run.db --call log --top 1
csv run.db --call 100 --top 1
csv run.db --result WHAT --top 1
csv run.db --service 99
csv run.db --vm 1 --top 1 --tree
echo "-- folded"
pvmscope hostcalls run.db --fold --format csv | sed -E 's/,[0-9]+$/,TIME/'
echo "-- by name"
pvmscope hostcalls run.db --latency --format csv | cut -d , -f 1-3
echo "-- wrong"
exec 2>&1
pvmscope hostcalls run.db --result MAYBE
echo "[$?]"
pvmscope hostcalls run.db --fold --latency
echo "[$?]"
pvmscope hostcalls nothing.db
echo "[$?]"
