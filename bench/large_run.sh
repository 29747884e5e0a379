#!/bin/sh
# What a large recording costs to look at: one of CALLS host calls (10 million) in BLOCKS blocks (100,000) is made, then
# the report and the HTML report are timed, each the fastest of three, and how a browser takes the page where there is
# one. Needs 1.5 GB of disk while it runs.
#
#   bench/large_run.sh [--program PVMSCOPE] [--calls N] [--blocks N]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
program=$root/build/bin/pvmscope
calls=10000000
blocks=100000
while [ $# -gt 0 ]; do
    case $1 in
    --program) program=$(realpath "$2") && shift 2 ;;
    --calls) calls=$2 && shift 2 ;;
    --blocks) blocks=$2 && shift 2 ;;
    *) echo "large_run.sh: unknown option $1; see the head of the script" >&2 && exit 2 ;;
    esac
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

seconds() { date +%s.%N; }
since() { echo "$(seconds) $1" | awk '{ printf "%.2f", $1 - $2 }'; }
# fastest WHAT COMMAND...: of three
fastest()
{
    what=$1
    shift
    for _ in 1 2 3; do
        began=$(seconds)
        "$@" >out
        since "$began"
        echo
    done | sort -n | head -n 1 | awk -v what="$what" '{ printf "%-28s %6.2f s\n", what, $1 }'
}

awk -v calls="$calls" -v blocks="$blocks" 'BEGIN {
    print ".spec 0.8.0\nload_imm r2, " calls
    for (i = 3; i < blocks; i++) print "add_imm_64 r3, r3, 1\nfallthrough"
    print "loop: ecalli " 1 "\necalli 2\nadd_imm_64 r2, r2, -2\nbranch_ne_imm r2, 0, @loop\ntrap"
}' >large.asm
"$program" asm large.asm -o large.pvm
began=$(seconds)
"$program" record large.pvm --spec 0.8.0 -o large.db >out
printf '%-28s %6.2f s, %s calls, %s blocks, %s MB\n' record "$(since "$began")" \
    "$(sqlite3 large.db 'SELECT host_calls FROM total')" "$(sqlite3 large.db 'SELECT count(*) FROM block')" \
    "$(($(stat -c %s large.db) / 1000000))"
fastest report "$program" report large.db
fastest "export --format html" "$program" export large.db --format html -o large.html --force
printf '%-28s %6.2f MB\n' "size of the page" "$(awk -v n="$(stat -c %s large.html)" 'BEGIN { print n / 1e6 }')"
python3 -B "$root/tests/html/open_page.py" large.html || [ $? -eq 77 ]
