# A trace is executed with what its host did, on both sides. One that the engine does not reproduce is the same on both
# sides, but is no success either.
. "$CLI/lib.sh"
echo_trace
for backend in interpreter recompiler; do
    pvmscope lockstep echo.log --backend $backend
done
sed 's/gas=897/gas=898/' echo.log >other.log
pvmscope lockstep other.log --backend recompiler --format json
