package pvm

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

// Programs of these tests, 0.8.0: ecalli 5, then a jump to r0.
var (
	callCode = []byte{10, 5, 50, 0}
	callMask = []byte{0x05}
)

// A jump to 0xffff0000 halts.
const haltAddress = 0xffff0000

func newCaller(t testing.TB, backend Backend, gas uint64) *VM {
	t.Helper()
	program, err := FromParts(callCode, callMask, nil, Spec072)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	vm, err := New(program, Options{Backend: backend, Service: 7, Gas: gas})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vm.Close)
	vm.WriteRegister(0, haltAddress)
	return vm
}

func TestHostCall(t *testing.T) {
	vm := newCaller(t, BackendDefault, 100)
	vm.SetHostCallback(func(inner *VM, funcID int) HostResult {
		if inner != vm || funcID != 5 || vm.State() != StateHost || vm.HostCall() != 5 {
			t.Errorf("called with %d in state %d", funcID, vm.State())
		}
		if !vm.UseGas(10) {
			return HostOOG
		}
		vm.WriteRegister(7, 42)
		return HostContinue
	})
	result, err := vm.Execute(0)
	if result != ResultOK || err != nil {
		t.Fatal(result, err)
	}
	if vm.Gas() != 88 || vm.ReadRegister(7) != 42 || vm.State() != StateHalt {
		t.Error(vm.Gas(), vm.Registers(), vm.State())
	}
	vm.SetHostCallback(nil)
	if result, err = vm.Execute(0); result != ResultHostCall || err != nil {
		t.Fatal(result, err)
	}
	if result, err = vm.Resume(); result != ResultOK || err != nil {
		t.Fatal(result, err)
	}
}

func TestPanicInCallback(t *testing.T) {
	vm := newCaller(t, BackendDefault, 100)
	cause := errors.New("no such luck")
	vm.SetHostCallback(func(*VM, int) HostResult { panic(cause) })
	result, err := vm.Execute(0)
	var hostPanic *HostPanic
	if result != ResultPanic || !errors.As(err, &hostPanic) || !errors.Is(err, cause) {
		t.Fatal(result, err)
	}
	if hostPanic.FuncID != 5 || !strings.Contains(string(hostPanic.Stack), "TestPanicInCallback") {
		t.Error(hostPanic.FuncID, string(hostPanic.Stack))
	}
	if !strings.Contains(err.Error(), "host call 5 panicked: no such luck") {
		t.Error(err)
	}
	// The machine is as after any panic.
	if err := vm.Reset(100); err != nil {
		t.Fatal(err)
	}
	vm.WriteRegister(0, haltAddress)
	vm.SetHostCallback(func(*VM, int) HostResult { return HostContinue })
	if result, err := vm.Execute(0); result != ResultOK || err != nil {
		t.Fatal(result, err)
	}
}

// A machine that a callback runs has its own outcome.
func TestMachineInCallback(t *testing.T) {
	outer, inner := newCaller(t, BackendDefault, 100), newCaller(t, BackendDefault, 100)
	inner.SetHostCallback(func(*VM, int) HostResult { panic("inner") })
	outer.SetHostCallback(func(*VM, int) HostResult {
		if result, err := inner.Execute(0); result != ResultPanic || err == nil {
			t.Error(result, err)
		}
		if result, err := outer.Execute(0); result != ResultError || err == nil {
			t.Error("the running machine ran:", result, err)
		}
		return HostContinue
	})
	if result, err := outer.Execute(0); result != ResultOK || err != nil {
		t.Fatal(result, err)
	}
}

func TestErrors(t *testing.T) {
	vm := newCaller(t, BackendInterpreter, 100)
	if _, err := vm.ReadMemory(0x20000, 4); err == nil || !strings.Contains(err.Error(), "page 0x00020000") {
		t.Error(err)
	}
	if _, err := vm.ReadMemory(0xffffffff, 1<<63); err == nil {
		t.Error("read past the end")
	}
	if err := vm.MapMemory(0x20001, PageSize, AccessWrite); err == nil {
		t.Error("mapped half a page")
	}
	if err := vm.SetArguments(nil); err == nil {
		t.Error("arguments for a raw program")
	}
	if _, err := Load([]byte("PVM\x00"), FormatAuto, SpecDefault); err == nil {
		t.Error("loaded a torso")
	}
	if _, err := Load(nil, FormatAuto, SpecDefault); err == nil {
		t.Error("loaded nothing")
	}
	vm.Close()
	vm.Close()
	if _, err := vm.Execute(0); err != ErrClosed {
		t.Error(err)
	}
	if vm.Gas() != 0 || vm.Registers() != [RegisterCount]uint64{} {
		t.Error("a closed machine has state")
	}
}

func TestMemory(t *testing.T) {
	vm := newCaller(t, BackendRecompiler, 100)
	if err := vm.MapMemory(0x20000, PageSize, AccessWrite); err != nil {
		t.Fatal(err)
	}
	if err := vm.WriteMemory(0x20ffc, []byte("abcd")); err != nil {
		t.Fatal(err)
	}
	if err := vm.WriteMemory(0x20ffd, []byte("abcd")); err == nil {
		t.Error("written over the edge")
	}
	data, err := vm.ReadMemory(0x20ffb, 5)
	if err != nil || !bytes.Equal(data, []byte("\x00abcd")) {
		t.Error(data, err)
	}
	data[1] = 'x'
	if again, _ := vm.ReadMemory(0x20ffc, 1); again[0] != 'a' {
		t.Error("what was read is no copy")
	}
	if data, err = vm.ReadMemory(0x20000, 0); err != nil || len(data) != 0 {
		t.Error(data, err)
	}
	if vm.Access(0x20000) != AccessWrite || vm.Access(0x21000) != AccessNone {
		t.Error(vm.Access(0x20000))
	}
}

// A JAM service, with its entry points, arguments and result.
func TestService(t *testing.T) {
	blob, err := os.ReadFile("../../examples/guest/blobs/service.jam")
	if err != nil {
		t.Fatal(err)
	}
	program, err := Load(blob, FormatAuto, Spec080)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if program.Spec() != Spec080 || program.Format() != FormatJAM || program.Problem() != "" {
		t.Error(program.Spec(), program.Format(), program.Problem())
	}
	entry, found := program.Entry("accumulate")
	if _, other := program.Entry("nowhere"); !found || other || entry != 5 {
		t.Error(entry, found)
	}
	if program.HostCallName(4) != "read" || program.HostCallName(99) != "" {
		t.Error(program.HostCallName(4))
	}
	var gas []int64
	for _, backend := range []Backend{BackendInterpreter, BackendRecompiler} {
		vm, err := New(program, Options{Backend: backend, Gas: 1e9})
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Close()
		if vm.Backend() != backend {
			t.Errorf("backend is %d", vm.Backend())
		}
		vm.SetHostCallback(func(vm *VM, funcID int) HostResult {
			vm.WriteRegister(7, ^uint64(1))
			return HostContinue
		})
		if result, err := vm.Execute(0); result != ResultOK || err != nil {
			t.Fatal(result, err)
		}
		output, err := vm.Result()
		if err != nil || len(output) <= 32 {
			t.Error(len(output), err)
		}
		gas = append(gas, vm.Gas())
	}
	if gas[0] != gas[1] || gas[0] <= 0 {
		t.Error(gas)
	}
}

func BenchmarkHostCall(b *testing.B) {
	program, err := FromParts([]byte{10, 5, 40, 254}, []byte{0x05}, nil, Spec072) // ecalli 5; jump back
	if err != nil {
		b.Fatal(err)
	}
	defer program.Close()
	vm, err := New(program, Options{Gas: 1 << 62})
	if err != nil {
		b.Fatal(err)
	}
	defer vm.Close()
	left := b.N
	vm.SetHostCallback(func(vm *VM, funcID int) HostResult {
		left--
		if left == 0 {
			return HostTerminate
		}
		return HostContinue
	})
	b.ResetTimer()
	if result, err := vm.Execute(0); result != ResultOK || err != nil {
		b.Fatal(result, err)
	}
}

func BenchmarkReturnAndResume(b *testing.B) {
	program, err := FromParts([]byte{10, 5, 40, 254}, []byte{0x05}, nil, Spec072)
	if err != nil {
		b.Fatal(err)
	}
	defer program.Close()
	vm, err := New(program, Options{Gas: 1 << 62})
	if err != nil {
		b.Fatal(err)
	}
	defer vm.Close()
	if _, err := vm.Execute(0); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if result, _ := vm.Resume(); result != ResultHostCall {
			b.Fatal(result)
		}
	}
}
