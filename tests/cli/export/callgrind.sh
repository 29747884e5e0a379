# The profile in the hands of callgrind_annotate.
command -v callgrind_annotate >/dev/null || { echo "no callgrind_annotate (valgrind)"; exit 77; }
cp "$GUESTS/service.polkavm" .
pvmscope record service.polkavm --entry refine -o run.db >/dev/null
pvmscope export run.db --format callgrind -o run.callgrind
annotate()
{
    callgrind_annotate --show-percs=no "$@" run.callgrind | grep -E '^[0-9 ,]+ ' | sed 's/  */ /g; s/ *$//'
}
annotate --show=Gas,Hits --threshold=80 --auto=no
echo "-- with what they call"
annotate --show=HostGas,HostCalls --sort=HostGas --inclusive=yes --auto=no
