# A host under a real LTTng session: sh host_lttng.sh PVMSCOPE OUT.db HOST ARGUMENTS...
. "$(dirname "$0")/../lttng/lib.sh"
out=$2
shift 2
start_daemon
start_session host 'pvm:*' --output="$work/trace"
PVM_TRACE=lttng timeout 60 "$@" >"$work/host.txt" || fail "the host does not run under LTTng"
stop_session host
"$pvmscope" import "$work/trace" -o "$out" >"$work/import.txt" || fail "cannot import the trace"
