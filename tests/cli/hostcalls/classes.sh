# Host calls that were only counted by duration: latencies from classes, by name, service and machine.
. "$CLI/lib.sh"
echo_program 0.7.2
pvmscope record echo.pvm --spec 0.7.2 --reg r1=0x20000 -o run.db >/dev/null
sqlite3 run.db "DELETE FROM host_call;
    UPDATE host_total SET calls = 1000, duration_ns = 150000 WHERE func_id = 1;
    INSERT INTO host_latency VALUES (1, 1, 7, 900), (1, 1, 8, 95), (1, 1, 12, 5)"
pvmscope hostcalls run.db --latency
pvmscope hostcalls run.db --latency --call 1 --format json
pvmscope hostcalls run.db --latency --service 7 | tail -n 1
pvmscope hostcalls run.db
