#!/bin/sh
# --aggregate: the kernel sums up, the file says the same as the target, and its size does not depend on how many calls there are.
set -eu
. "$(dirname "$0")/lib.sh"

start_target t 1.5 20000 10 2
attach sums --pid $pid --aggregate
begin t
wait $collector || fail "$(cat "$work/sums.err")"
wait $pid || fail "the target came to harm"
expect "calls" "$(query sums 'select sum(calls) from host_total')" "$(calls t)"
expect "by duration" "$(query sums 'select sum(calls) from host_latency')" "$(calls t)"
expect "lost" "$(lost sums)" 0
expect "services" "$(query sums 'select group_concat(service) from (select service from vm order by 1)')" 1,2
for service in 1 2; do
    expect "calls of service $service" "$(query sums "select calls from host_total join vm on id = vm
        where service = $service")" "$(awk -v i=$((service - 1)) '$1 == i { print $2 }' "$work/t.txt")"
done
# Each execution but the last of each thread makes ten calls, and pays one instruction before the first and three for each other.
executions=$(query sums 'select sum(executions) from run_total')
[ "$executions" -ge $(($(calls t) / 10)) ] && [ "$executions" -le $(($(calls t) / 10 + 2)) ] ||
    fail "executions: $executions"
gas=$(query sums 'select sum(gas) from run_total')
[ "$gas" -ge $((executions * 28 - 60)) ] && [ "$gas" -le $((executions * 28)) ] || fail "gas: $gas of $executions"
expect "rows of single calls" "$(query sums 'select count(*) from host_call')" 0
expect "calls by latency" "$("$pvmscope" hostcalls "$work/sums.db" --latency --format csv 2>/dev/null | awk -F, 'NR > 1 { n += $2 } END { print n }')" "$(calls t)"
expect "times in order" "$("$pvmscope" hostcalls "$work/sums.db" --latency --format csv 2>/dev/null |
    awk -F, 'NR > 1 && ($5 > $6 || $6 > $7 || $7 > $8 || $8 <= 0)' | wc -l)" 0
"$pvmscope" report "$work/sums.db" >"$work/report.txt" || fail "report: exit $?"
head -n 1 "$work/report.txt" | grep -q 'Executions were only summed up: how they began and ended is not known' &&
    ! grep -q '?\|^result\|^gas at\|^backend\|do not reconcile' "$work/report.txt" || fail "report: $(head -n 12 "$work/report.txt")"
grep -q "^executions  *$(echo "$executions" | sed ':a;s/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta')\$" "$work/report.txt" ||
    fail "report: $(grep '^executions' "$work/report.txt"), not $executions"
expect "services of a report" "$("$pvmscope" report "$work/sums.db" --by service --format csv 2>/dev/null | cut -d, -f 1,8 | LC_ALL=C sort -r)" \
    "$(echo "service,host_calls"; awk 'NF == 2 { print $1 + 1 "," $2 }' "$work/t.txt" | sort -r)"
expect "lines of a report" "$("$pvmscope" report "$work/sums.db" --by hostcall --format csv | wc -l)" 2
