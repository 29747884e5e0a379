# Recorded runs of a real service, public conformance data: all of them replay exactly. Says which do not.
[ -d "$VECTORS/ecalli" ] || { echo "no recorded traces at hand (PVM_VECTORS)"; exit 77; }
pvmscope replay "$VECTORS"/ecalli/*.log >answers 2>&1
status=$?
grep -v ': ok, ' answers
grep -q ': ok, ' answers || echo "nothing was replayed"
exit $status
