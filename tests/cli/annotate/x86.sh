# Host code beside guest code: what the recompiler makes of the program, or why there is none.
. "$CLI/lib.sh"
cp "$GUESTS/sieve.polkavm" .
pvmscope record sieve.polkavm -o run.db >/dev/null
pvmscope annotate run.db --loop >out.txt
if grep -q '^No x86-64 code: ' out.txt; then
    echo "SKIPPED: $(grep '^No x86-64 code: ' out.txt)"
    exit 77
fi
grep -q 'x86-64' out.txt || echo "no column for host code"
# Each instruction that is no move and no hint has host code.
pvmscope annotate run.db --format csv 2>/dev/null | awk -F'"' 'NR > 1 && /store_ind/ && !/mov / { print }'
pvmscope annotate run.db --format json 2>/dev/null |
    python3 -c 'import json, sys
rows = json.load(sys.stdin)["code"]
have = [row for row in rows if row["host_code"]]
print("host code" if len(have) * 2 > len(rows) else "little host code: %d of %d" % (len(have), len(rows)))'
