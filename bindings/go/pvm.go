// Package pvm runs programs of the Polkadot Virtual Machine with exact gas. It is a thin layer over libpvm
// (docs/api.md): every method is one call of the C API, with Go's types, errors and memory rules.
//
// A [Program] is immutable and may be shared by any number of machines and goroutines. A [VM] belongs to one goroutine
// at a time. Both hold memory that Go's garbage collector does not see: call Close.
//
// Guest memory is read and written by copies only. C keeps no Go pointer: a host callback is found by a number
// (runtime/cgo.Handle).
//
// libpvm is found by pkg-config; set PKG_CONFIG_PATH to the folder of pvm.pc if it is not installed in the usual place.
package pvm

/*
#cgo pkg-config: pvm
#include <pvm/trace.h>
*/
import "C"

import (
	"errors"
	"runtime"
)

// PageSize is the number of octets in a page of guest memory.
const PageSize = C.PVM_PAGE_SIZE

// RegisterCount is the number of guest registers, r0 to r12.
const RegisterCount = C.PVM_REGISTER_COUNT

// Result is how a run ended.
type Result int

// How a run ended.
const (
	ResultOK       Result = C.PVM_RESULT_OK        // halted; from Step also: goes on
	ResultOOG      Result = C.PVM_RESULT_OOG       // out of gas
	ResultPanic    Result = C.PVM_RESULT_PANIC     // trap, bad jump, or the host said HostError
	ResultHostCall Result = C.PVM_RESULT_HOST_CALL // an ecalli waits for the caller
	ResultFault    Result = C.PVM_RESULT_FAULT     // page fault, see VM.FaultAddress
	ResultError    Result = C.PVM_RESULT_ERROR     // misuse; comes with an error
)

func (r Result) String() string {
	names := [...]string{"halt", "out of gas", "panic", "host call", "fault", "error"}
	if r < 0 || int(r) >= len(names) {
		return "unknown"
	}
	return names[r]
}

// HostResult is what a host callback wants to happen next.
type HostResult int

// What a host callback wants to happen next.
const (
	HostContinue  HostResult = C.PVM_HOST_CONTINUE  // go on behind the ecalli
	HostTerminate HostResult = C.PVM_HOST_TERMINATE // end with ResultOK
	HostError     HostResult = C.PVM_HOST_ERROR     // end with ResultPanic
	HostYield     HostResult = C.PVM_HOST_YIELD     // return ResultHostCall to the caller of Execute
	HostOOG       HostResult = C.PVM_HOST_OOG       // end with ResultOOG
)

// State is what a machine is doing: the numbers of JAM's invoke, and StateReady.
type State uint8

// Machine states.
const (
	StateHalt  State = 0
	StatePanic State = 1
	StateFault State = 2
	StateHost  State = 3
	StateOOG   State = 4
	StateReady State = 255
)

// Backend is the engine that executes. The zero value is the fastest one that is available here.
type Backend int

// Backends.
const (
	BackendDefault     Backend = C.PVM_BACKEND_DEFAULT
	BackendInterpreter Backend = C.PVM_BACKEND_INTERPRETER
	BackendRecompiler  Backend = C.PVM_BACKEND_RECOMPILER
)

// Spec is the rules that a program runs under. The zero value is what a container says, else 0.8.0.
type Spec int

// Specs.
const (
	SpecDefault  Spec = C.PVM_SPEC_DEFAULT
	Spec072      Spec = C.PVM_SPEC_0_7_2
	Spec080      Spec = C.PVM_SPEC_0_8_0
	SpecLatest64 Spec = C.PVM_SPEC_LATEST64
)

// Format is the layout of a program file. The zero value tells them apart.
type Format int

// Formats.
const (
	FormatAuto    Format = C.PVM_FORMAT_AUTO
	FormatRaw     Format = C.PVM_FORMAT_RAW
	FormatJAM     Format = C.PVM_FORMAT_JAM
	FormatPolkaVM Format = C.PVM_FORMAT_POLKAVM
)

// Access to a page of guest memory; AccessWrite implies AccessRead.
type Access int

// Accesses.
const (
	AccessNone  Access = C.PVM_ACCESS_NONE
	AccessRead  Access = C.PVM_ACCESS_READ
	AccessWrite Access = C.PVM_ACCESS_WRITE
)

// What SetInstrumentation collects, to be combined; see pvm/trace.h.
const (
	InstrumentCounts  = C.PVM_INSTRUMENT_COUNTS  // executions and gas of every block
	InstrumentEdges   = C.PVM_INSTRUMENT_EDGES   // executions of every edge between blocks
	InstrumentBlocks  = C.PVM_INSTRUMENT_BLOCKS  // every block in order, to whoever listens
	InstrumentGas     = C.PVM_INSTRUMENT_GAS     // every block with its gas, one by one
	InstrumentMemory  = C.PVM_INSTRUMENT_MEMORY  // guest memory that the host reads and writes
	InstrumentCalls   = C.PVM_INSTRUMENT_CALLS   // the calling-context tree
	InstrumentFlight  = C.PVM_INSTRUMENT_FLIGHT  // the last blocks before a failure
	InstrumentSamples = C.PVM_INSTRUMENT_SAMPLES // where guest time goes, 99 times a second
)

// ErrClosed is the error of a method of a closed Program or VM.
var ErrClosed = errors.New("pvm: is closed")

// Version of libpvm.
func Version() string {
	return C.GoString(C.pvm_version())
}

// fallible makes a call that says whether it succeeded. What went wrong is kept for each thread by libpvm, so the
// goroutine must not change threads before it is asked.
func fallible(call func() bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if call() {
		return nil
	}
	return errors.New(C.GoString(C.pvm_last_error()))
}
