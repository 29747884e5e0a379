package pvm

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.db")
	if err := RecordEnd(); err == nil {
		t.Error("ended a recording that was not begun")
	}
	if err := Record(filepath.Join(path, "below a file")); err == nil {
		t.Error("recorded into a folder that is not there")
	}
	if err := Record(path); err != nil {
		t.Fatal(err)
	}
	vm := newCaller(t, BackendDefault, 100)
	vm.SetHostCallback(func(*VM, int) HostResult { return HostContinue })
	if result, err := vm.Execute(0); result != ResultOK || err != nil {
		t.Fatal(result, err)
	}
	if err := RecordEnd(); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data[:15]) != "SQLite format 3" {
		t.Error("no run file", err)
	}
}
