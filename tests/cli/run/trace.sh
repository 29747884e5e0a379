# A trace is executed with what its host did.
. "$CLI/lib.sh"
echo_trace
pvmscope run echo.log | without_times
sed 's/gas=897/gas=898/' echo.log >other.log
pvmscope run other.log | without_times
echo "exit code of a pipe's first command is lost; again:"
pvmscope run other.log >/dev/null
