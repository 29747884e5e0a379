# The Go package under the race detector, with cgo's checks of pointers.
. "$(dirname "$0")/lib.sh"
needs go golang-go
cd "$source/bindings/go"
[ -z "$(gofmt -l .)" ] || { gofmt -d .; exit 1; }
go vet ./...
GOFLAGS=-mod=mod GODEBUG=cgocheck=1 go test -race -count=1 ./...
