# A line that is missing, doubled or out of place.
. "$CLI/lib.sh"
echo_trace
for line in 2 3 4 5 6 7 8 9 10 12 15; do
    sed "${line}d" echo.log >without.log
    answer=$(pvmscope replay without.log 2>&1)
    echo "[$?] without line $line: $answer"
done
for line in 2 4 5 15; do
    sed "${line}p" echo.log >twice.log
    answer=$(pvmscope replay twice.log 2>&1)
    echo "[$?] line $line twice: $answer"
done
