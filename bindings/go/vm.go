package pvm

/*
#include <pvm/trace.h>
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// VM is a machine: registers, memory, gas, program counter. One goroutine at a time uses it.
type VM struct {
	handle    *C.pvm_vm_t
	callback  func(vm *VM, funcID int) HostResult
	self      cgo.Handle // what C knows this machine by; 0 without a callback
	hostPanic *HostPanic // of the run that is going on
}

// Options of New. The zero value is the fastest backend, service 0 and no gas.
type Options struct {
	Backend Backend
	Service uint32 // labels the machine in profiles
	Gas     uint64
}

// New makes a machine that runs the program. JAM programs get the standard initialization with empty arguments.
func New(program *Program, options Options) (*VM, error) {
	if program == nil || program.handle == nil {
		return nil, ErrClosed
	}
	vm := &VM{}
	err := fallible(func() bool {
		vm.handle = C.pvm_instantiate(program.handle, C.pvm_backend_t(options.Backend),
			C.uint32_t(options.Service), C.uint64_t(options.Gas))
		return vm.handle != nil
	})
	if err != nil {
		return nil, err
	}
	return vm, nil
}

// Close frees the machine. Not from its own callback. Twice is fine.
func (vm *VM) Close() {
	if vm.handle == nil {
		return
	}
	vm.dropCallback()
	C.pvm_destroy(vm.handle)
	vm.handle = nil
}

// try makes a call that returns 0, or -1 and an error.
func (vm *VM) try(call func() C.int) error {
	if vm.handle == nil {
		return ErrClosed
	}
	return fallible(func() bool { return call() >= 0 })
}

// -- Execution -------------------------------------------------------------------------------

func (vm *VM) run(call func() C.pvm_result_t) (Result, error) {
	if vm.handle == nil {
		return ResultError, ErrClosed
	}
	result := ResultError
	outer := vm.hostPanic
	vm.hostPanic = nil
	err := fallible(func() bool {
		result = Result(call())
		return result != ResultError
	})
	if err == nil && vm.hostPanic != nil {
		err = vm.hostPanic
	}
	vm.hostPanic = outer
	return result, err
}

// Execute runs from an entry point until an exit. Registers, memory and gas are kept. The error is not nil for misuse
// (ResultError) and if the host callback panicked (*HostPanic).
func (vm *VM) Execute(entry uint32) (Result, error) {
	return vm.run(func() C.pvm_result_t { return C.pvm_execute(vm.handle, C.uint32_t(entry)) })
}

// Resume goes on after a host call (behind it), a fault or out of gas (the same instruction again).
func (vm *VM) Resume() (Result, error) {
	return vm.run(func() C.pvm_result_t { return C.pvm_resume(vm.handle) })
}

// Step executes one instruction. ResultOK with StateReady: the program goes on.
func (vm *VM) Step() (Result, error) {
	return vm.run(func() C.pvm_result_t { return C.pvm_step(vm.handle) })
}

// Reset brings back the state after New, with this gas.
func (vm *VM) Reset(gas uint64) error {
	return vm.try(func() C.int { return C.pvm_reset(vm.handle, C.uint64_t(gas)) })
}

// SetArguments replaces the arguments of a JAM program, before it runs.
func (vm *VM) SetArguments(arguments []byte) error {
	return vm.try(func() C.int {
		return C.pvm_set_arguments(vm.handle, octets(arguments), C.size_t(len(arguments)))
	})
}

// -- State -----------------------------------------------------------------------------------

// ReadRegister is register 0 to 12; 0 for another index.
func (vm *VM) ReadRegister(index int) uint64 {
	return uint64(C.pvm_get_register(vm.handle, C.int(index)))
}

// WriteRegister sets register 0 to 12.
func (vm *VM) WriteRegister(index int, value uint64) {
	C.pvm_set_register(vm.handle, C.int(index), C.uint64_t(value))
}

// Registers is a copy of all of them.
func (vm *VM) Registers() (registers [RegisterCount]uint64) {
	if vm.handle != nil {
		all := (*[RegisterCount]uint64)(unsafe.Pointer(C.pvm_get_registers(vm.handle)))
		registers = *all
	}
	return registers
}

// State of the machine; StateHost in a callback.
func (vm *VM) State() State { return State(C.pvm_get_machine_state(vm.handle)) }

// Gas that is left.
func (vm *VM) Gas() int64 { return int64(C.pvm_get_gas(vm.handle)) }

// SetGas sets the gas that is left.
func (vm *VM) SetGas(gas int64) { C.pvm_set_gas(vm.handle, C.int64_t(gas)) }

// UseGas takes the price of a host call. False: there is less; then nothing is left, and the callback returns HostOOG.
func (vm *VM) UseGas(price int64) bool {
	left := vm.Gas() - price
	if left < 0 {
		vm.SetGas(0)
		return false
	}
	vm.SetGas(left)
	return true
}

// PC is the program counter; at an exit that of the instruction that caused it.
func (vm *VM) PC() uint32 { return uint32(C.pvm_get_pc(vm.handle)) }

// SetPC sets the program counter; the state becomes StateReady.
func (vm *VM) SetPC(pc uint32) error {
	return vm.try(func() C.int { return C.pvm_set_pc(vm.handle, C.uint32_t(pc)) })
}

// FaultAddress is, in StateFault, the page of the first inaccessible octet.
func (vm *VM) FaultAddress() uint32 { return uint32(C.pvm_get_fault_address(vm.handle)) }

// HostCall is, in StateHost, the number of the host call.
func (vm *VM) HostCall() int { return int(C.pvm_get_host_call(vm.handle)) }

// Backend in use; never BackendDefault.
func (vm *VM) Backend() Backend { return Backend(C.pvm_get_backend(vm.handle)) }

// Result of a halted JAM program: a copy of the r8 octets at r7, nil if they cannot be read.
func (vm *VM) Result() ([]byte, error) {
	var address C.uint32_t
	var length C.uint64_t
	err := vm.try(func() C.int { return C.pvm_get_result(vm.handle, &address, &length) })
	if err != nil || length == 0 {
		return nil, err
	}
	return vm.ReadMemory(uint32(address), uint64(length))
}

// SetInstrumentation chooses what is collected, of the Instrument constants.
func (vm *VM) SetInstrumentation(flags uint32) error {
	return vm.try(func() C.int { return C.pvm_set_instrumentation(vm.handle, C.uint32_t(flags)) })
}

// SetSampleRate sets how often InstrumentSamples samples, in ticks a second.
func (vm *VM) SetSampleRate(hz uint32) error {
	return vm.try(func() C.int { return C.pvm_set_sample_rate(vm.handle, C.uint32_t(hz)) })
}

// Handle is the pvm_vm_t*, for C code of yours: a profiler, say. It lives until Close.
func (vm *VM) Handle() unsafe.Pointer { return unsafe.Pointer(vm.handle) }

// -- Memory ----------------------------------------------------------------------------------

// ReadMemory copies readable guest memory. All or nothing.
func (vm *VM) ReadMemory(address uint32, length uint64) ([]byte, error) {
	if uint64(address)+length > 1<<32 || length > 1<<32 {
		return nil, fallible(func() bool {
			return C.pvm_read_memory(vm.handle, C.uint32_t(address), nil, 1<<33) == 0
		})
	}
	data := make([]byte, length)
	return data, vm.ReadMemoryInto(address, data)
}

// ReadMemoryInto fills data from readable guest memory. All or nothing.
func (vm *VM) ReadMemoryInto(address uint32, data []byte) error {
	return vm.try(func() C.int {
		return C.pvm_read_memory(vm.handle, C.uint32_t(address), unsafe.Pointer(octets(data)),
			C.size_t(len(data)))
	})
}

// WriteMemory copies into writable guest memory. All or nothing.
func (vm *VM) WriteMemory(address uint32, data []byte) error {
	return vm.try(func() C.int {
		return C.pvm_write_memory(vm.handle, C.uint32_t(address), unsafe.Pointer(octets(data)),
			C.size_t(len(data)))
	})
}

// MapMemory maps, changes or (AccessNone) discards whole pages.
func (vm *VM) MapMemory(address uint32, length uint64, access Access) error {
	return vm.try(func() C.int {
		return C.pvm_map_memory(vm.handle, C.uint32_t(address), C.uint64_t(length),
			C.pvm_access_t(access))
	})
}

// Access to the page that holds address.
func (vm *VM) Access(address uint32) Access {
	return Access(C.pvm_get_access(vm.handle, C.uint32_t(address)))
}

// GrowHeap performs the host call grow_heap of GP 0.8.0; false: the gas does not suffice.
func (vm *VM) GrowHeap() (bool, error) {
	grown := false
	err := vm.try(func() C.int {
		result := C.pvm_grow_heap(vm.handle)
		grown = result == 0
		return result
	})
	return grown, err
}
