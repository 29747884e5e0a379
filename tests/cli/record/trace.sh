# A trace is recorded with its host; a run that leaves its path is kept, marked, and answers no.
. "$CLI/lib.sh"
echo_trace
pvmscope record echo.log --backend interpreter -o run.db | without_times
pvmscope report run.db --by hostcall --format csv | cut -d, -f1-4,6
sed 's/r07 <- 0x20$/r07 <- 0x21/' echo.log >other.log
pvmscope record other.log --backend interpreter -o other.db | without_times
pvmscope record other.log -o other.db >/dev/null
echo "[$?]"
pvmscope report other.db | head -n 3
