# The Go package under the race detector, with cgo's checks of pointers.
. "$(dirname "$0")/lib.sh"
needs go golang-go
# What pkg-config says is no part of Go's cache of builds; these are.
CGO_LDFLAGS=-L$lib
CGO_CFLAGS="-O2 -g -I$folder/prefix/include"
export CGO_LDFLAGS CGO_CFLAGS
cd "$source/bindings/go"
[ -z "$(gofmt -l .)" ] || { gofmt -d .; exit 1; }
go vet ./...
GOFLAGS=-mod=mod GODEBUG=cgocheck=1 go test -race -count=1 ./...
