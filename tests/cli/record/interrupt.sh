# SIGINT and SIGTERM finish the file; SIGKILL leaves one that says it is incomplete.
. "$CLI/lib.sh"
printf '.spec 0.7.2\necalli 1\njump @0\n' >loop.asm
pvmscope asm loop.asm -o loop.pvm
for signal in INT TERM KILL; do
    # The shell tells of killed programs in words of its own.
    rm -f run.db
    { stopped_by $signal pvmscope record loop.pvm --spec 0.7.2 --gas 1000000000000000 -o run.db; } >out 2>/dev/null
    echo "$signal [$?]"
    pvmscope report run.db >report
    echo "report [$?]"
    head -n 1 report
    grep -e '^recording' -e '^result' report
done
