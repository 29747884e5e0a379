# Recorded runs of a real service, public conformance data: the recompiler is what single steps are, in every block.
[ -d "$VECTORS/ecalli" ] || { echo "no recorded traces at hand (PVM_VECTORS)"; exit 77; }
for trace in "$VECTORS"/ecalli/*.log; do
    pvmscope lockstep "$trace" --backend recompiler >answer 2>&1 || cat answer
    grep -q 'identical$' answer || echo "$trace: not compared"
done
