# Linux perf names guest functions in recompiled code, by the perf map and by jitdump.
#   sh perf.sh PVMSCOPE SOURCE
set -eu
pvmscope=$1 source=$2
command -v perf >/dev/null || { echo "SKIPPED: no perf; install linux-perf"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder" "/tmp/perf-$(cat "$folder/pid" 2>/dev/null || echo none).map"' EXIT
HOME=$folder
JITDUMPDIR=$folder
export HOME JITDUMPDIR
cd "$folder"
if ! perf record -q -e cpu-clock -o probe.data true >probe.log 2>&1; then
    echo "SKIPPED: perf may not record here: $(head -n 1 probe.log)"
    exit 77
fi
cat >run.sh <<'END'
echo $$ >pid
exec "$1" run "$2/examples/guest/blobs/interp.polkavm" --spec 0.8.0 --backend recompiler --reg r7=2000
END

# share FILE: percent of samples in the guest's function, without its fraction
share()
{
    perf report -i "$1" --stdio -s symbol 2>/dev/null | tee report.txt | sed -n 's/^ *\([0-9]*\)\.[0-9]*%.* pvm:interpret *.*/\1/p' | head -n 1
}

enough()
{
    [ "${2:-0}" -ge 50 ] || { echo "$1: pvm:interpret has ${2:-no} percent"; cat report.txt; exit 1; }
}

PVM_PERF=map perf record -q -e cpu-clock -F 1999 -o map.data sh run.sh "$pvmscope" "$source" >run.txt
grep -q '^result  *halt' run.txt
enough map "$(share map.data)"

PVM_PERF=jitdump perf record -q -k mono -e cpu-clock -F 1999 -o jit.data sh run.sh "$pvmscope" "$source" >run.txt
[ -s "jit-$(cat pid).dump" ]
perf inject --jit -i jit.data -o injected.data
enough jitdump "$(share injected.data)"
# The code itself travels with it.
perf annotate -i injected.data --stdio pvm:interpret 2>/dev/null >annotated.txt
grep -qE 'add|mov' annotated.txt && grep -q 'pvm:interpret' annotated.txt

# Nothing is written that was not asked for, and a folder that is not there is no error.
JITDUMPDIR=$folder/missing PVM_PERF=jitdump sh run.sh "$pvmscope" "$source" | grep -q '^result  *halt'
rm -f jit-*.dump
sh run.sh "$pvmscope" "$source" >run.txt
[ ! -e "/tmp/perf-$(cat pid).map" ] && [ -z "$(ls jit-*.dump 2>/dev/null)" ]
