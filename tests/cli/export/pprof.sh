# The profile in the hands of go tool pprof.
command -v go >/dev/null || { echo "no go (golang-go)"; exit 77; }
# Newer versions of Go build pprof when it is first asked for: that is to be kept, beside the program under test.
GOCACHE=$(dirname "$(readlink -f "$(command -v pvmscope)")")/../go-cache
export GOCACHE
cp "$GUESTS/service.polkavm" .
pvmscope record service.polkavm --entry refine -o run.db >/dev/null
pvmscope export run.db --format pprof -o run.pprof
# Versions differ in what they say about inlining and columns.
top() { go tool pprof -top "$@" run.pprof 2>&1 | sed -e 's/ (.*inline)$//' -e '/^Dropped/d'; }
top -nodecount 5
top -sample_index host_calls
# Lines, and the source beside them.
top -lines -nodecount 3
mkdir examples && cp -r "$GUESTS/.." examples/guest
go tool pprof -list '^same_key$' run.pprof 2>&1 | grep -v '^ROUTINE'
go tool pprof -raw run.pprof 2>&1 | sed -n -e 's/:0 s=/ s=/' -e '/^gas/p;/^Locations/,/^ *6:/p'
