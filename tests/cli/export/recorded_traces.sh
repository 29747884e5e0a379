# Recorded runs of a real service, public conformance data: recorded again while they are replayed, and exported, they are
# equal in every line that carries meaning.
[ -d "$VECTORS/ecalli" ] || { echo "no recorded traces at hand (PVM_VECTORS)"; exit 77; }
records='^(program|memwrite|start|ecalli=|memread|setreg|setgas|HALT|PANIC|OOG)'
count=0
for trace in "$VECTORS"/ecalli/*.log; do
    pvmscope record "$trace" -o run.db --instrument hostcalls,memory >/dev/null 2>&1
    pvmscope export run.db --format ecalli -o again.log
    grep -E "$records" "$trace" >expected
    grep -E "$records" again.log | cmp - expected || echo "$(basename "$trace") differs"
    count=$((count + 1))
done
[ $count -gt 0 ] || echo "nothing was exported"
