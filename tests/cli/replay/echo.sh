# A whole trace replays; the spec is found by its gas.
. "$CLI/lib.sh"
echo_trace
pvmscope replay echo.log
pvmscope replay --spec 0.7.2 --backend interpreter echo.log echo.log
for format in json csv md; do
    pvmscope replay --format $format --backend interpreter echo.log
done
