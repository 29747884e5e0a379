# What was asked for and is not there: one line says what is.
. "$CLI/lib.sh"
exec 2>&1
cp "$GUESTS/service-0.7.2.polkavm" .
pvmscope record service-0.7.2.polkavm --entry refine -o run.db --backend interpreter >/dev/null
pvmscope hostcalls run.db --call logg
pvmscope hostcalls run.db --call 101 --fold
pvmscope hostcalls run.db --vm 9 --service 7 --latency
echo "-- there, but not together: nothing to be said"
pvmscope hostcalls run.db --call log --vm 1 --result FULL
echo "-- for machines"
pvmscope hostcalls run.db --call logg --format csv
echo "[$?]"
echo "-- many"
sqlite3 run.db "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
    INSERT INTO vm SELECT i, 1, NULL, 100 + i, 'interpreter', i FROM n;
    INSERT INTO host_total SELECT id, 0, 0, 0, 0, 0 FROM vm WHERE id > 1"
pvmscope hostcalls run.db --vm 99
