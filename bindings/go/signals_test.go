package pvm

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// newStorer is a machine that stores r2 at r1, counts r2 down and begins again until it is 0. The guest's faults are
// signals, and Go preempts by signals.
func newStorer(t *testing.T, backend Backend) *VM {
	t.Helper()
	program, err := FromParts([]byte{122, 0x12, 149, 0x22, 0xff, 82, 0x02, 0xfb, 50, 0}, []byte{0x25, 0x01},
		nil, Spec072)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	vm, err := New(program, Options{Backend: backend, Gas: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	vm.WriteRegister(0, haltAddress)
	return vm
}

// Runs with faults that are mended, while everything else that sends signals in a Go process goes on.
func TestSignals(t *testing.T) {
	const workers, rounds, iterations = 8, 20, 200000
	stop := make(chan struct{})
	var noise, work sync.WaitGroup
	noise.Add(2)
	go func() { // garbage, collected all the time
		defer noise.Done()
		for {
			select {
			case <-stop:
				return
			default:
				_ = make([]byte, 1<<20)
				runtime.GC()
			}
		}
	}()
	go func() { // goroutines that come and go
		defer noise.Done()
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				for i := 0; i < 50; i++ {
					go func() { runtime.Gosched() }()
				}
			}
		}
	}()
	caught := make(chan os.Signal, 1000)
	signal.Notify(caught, syscall.SIGUSR1)
	defer signal.Stop(caught)
	for i := 0; i < workers; i++ {
		work.Add(1)
		go func(i int) {
			defer work.Done()
			vm := newStorer(t, BackendRecompiler)
			defer vm.Close()
			for round := 0; round < rounds; round++ {
				address := uint32(0x20000 + 2*round*PageSize)
				vm.WriteRegister(1, uint64(address))
				vm.WriteRegister(2, iterations)
				result, err := vm.Execute(0)
				if result != ResultFault || err != nil || vm.FaultAddress() != address {
					t.Errorf("worker %d: %v %v at %#x", i, result, err, vm.FaultAddress())
					return
				}
				_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
				if err := vm.MapMemory(address, PageSize, AccessWrite); err != nil {
					t.Error(err)
					return
				}
				before := vm.Gas()
				if result, err = vm.Resume(); result != ResultOK || err != nil {
					t.Errorf("worker %d: %v %v", i, result, err)
					return
				}
				// The fault has paid for the store that is done again.
				if used := before - vm.Gas(); used != 3*iterations+1 {
					t.Errorf("worker %d used %d gas", i, used)
				}
			}
		}(i)
	}
	work.Wait()
	close(stop)
	noise.Wait()
	if len(caught) == 0 {
		t.Error("no signal of ours arrived")
	}
}

// A nil dereference in Go stays Go's, also after machines have taken signals.
func TestGoFaultsStayGos(t *testing.T) {
	vm := newStorer(t, BackendRecompiler)
	defer vm.Close()
	vm.WriteRegister(1, 0x20000)
	if result, _ := vm.Execute(0); result != ResultFault {
		t.Fatal(result)
	}
	defer func() {
		if value, ok := recover().(runtime.Error); !ok {
			t.Error("no runtime error but", value)
		}
	}()
	var nothing *driver
	_ = nothing.name
}

// Many goroutines, each with machines of a shared program.
func TestManyGoroutines(t *testing.T) {
	program, err := FromParts(callCode, callMask, nil, Spec072)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	var work sync.WaitGroup
	for i := 0; i < 100; i++ {
		work.Add(1)
		go func(i int) {
			defer work.Done()
			for round := 0; round < 20; round++ {
				vm, err := New(program, Options{Gas: 1000})
				if err != nil {
					t.Error(err)
					return
				}
				calls := 0
				vm.SetHostCallback(func(vm *VM, funcID int) HostResult {
					calls++
					vm.WriteRegister(7, uint64(i))
					runtime.Gosched()
					return HostContinue
				})
				vm.WriteRegister(0, haltAddress)
				result, err := vm.Execute(0)
				if result != ResultOK || err != nil || calls != 1 || vm.ReadRegister(7) != uint64(i) {
					t.Errorf("goroutine %d: %v %v, %d calls", i, result, err, calls)
				}
				vm.Close()
			}
		}(i)
	}
	work.Wait()
}

// The sampler's signal comes while Go preempts with its own.
func TestSamples(t *testing.T) {
	vm := newCaller(t, BackendDefault, 1<<40)
	if vm.SetSampleRate(0) == nil {
		t.Error("0 samples a second")
	}
	if err := vm.SetSampleRate(9999); err != nil {
		t.Fatal(err)
	}
	if err := vm.SetInstrumentation(InstrumentSamples); err != nil {
		t.Fatal(err)
	}
	vm.SetHostCallback(func(*VM, int) HostResult { return HostContinue })
	for i := 0; i < 20000; i++ {
		if result, err := vm.Execute(0); result != ResultOK || err != nil {
			t.Fatal(result, err)
		}
		if i%1000 == 0 {
			runtime.GC()
		}
	}
}
