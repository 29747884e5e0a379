package pvm

// #include "callback.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"runtime/debug"
)

// HostPanic is the error of a run whose host callback panicked. The run ended with ResultPanic, as if the callback had
// returned HostError.
type HostPanic struct {
	FuncID int
	Value  any    // what it panicked with
	Stack  []byte // where
}

func (p *HostPanic) Error() string {
	return fmt.Sprintf("pvm: the callback of host call %d panicked: %v", p.FuncID, p.Value)
}

// Unwrap is the panic's value, if that is an error.
func (p *HostPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// SetHostCallback sets what answers each ecalli; nil makes it end the run with ResultHostCall. The callback runs on the
// goroutine that runs the machine. It may read and write this machine and run others; it must not run, reset or close
// this one. If it panics, the run ends and Execute returns a *HostPanic.
func (vm *VM) SetHostCallback(callback func(vm *VM, funcID int) HostResult) {
	if vm.handle == nil {
		return
	}
	vm.callback = callback
	switch {
	case callback == nil:
		vm.dropCallback()
	case vm.self == 0:
		vm.self = cgo.NewHandle(vm)
		C.pvm_go_set_callback(vm.handle, C.uintptr_t(vm.self))
	}
}

func (vm *VM) dropCallback() {
	if vm.self != 0 {
		C.pvm_go_set_callback(vm.handle, 0)
		vm.self.Delete()
		vm.self = 0
	}
}

//export pvmGoHostCall
func pvmGoHostCall(handle C.uintptr_t, funcID C.int) (result C.int) {
	vm := cgo.Handle(handle).Value().(*VM)
	defer func() {
		if value := recover(); value != nil {
			vm.hostPanic = &HostPanic{FuncID: int(funcID), Value: value, Stack: debug.Stack()}
			result = C.int(HostError)
		}
	}()
	return C.int(vm.callback(vm, int(funcID)))
}
