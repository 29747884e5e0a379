# A trace with a damaged record is bad input for who wants to run it; replay answers no (replay/fields).
. "$CLI/lib.sh"
echo_trace
sed '6s/len=4/len=3/' echo.log >damaged.log
for command in run lockstep 'record -o damaged.db'; do
    pvmscope $command damaged.log
    echo "$?"
done
[ ! -e damaged.db ] || echo "it left a file"
