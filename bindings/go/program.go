package pvm

/*
#include <pvm/pvm.h>
#include <stdlib.h>
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Program is a loaded program: immutable, shareable between machines and goroutines.
type Program struct {
	handle *C.pvm_program_t
}

// octets is where C may read a slice during one call; NULL for an empty one.
func octets(data []byte) *C.uint8_t {
	if len(data) == 0 {
		return nil
	}
	return (*C.uint8_t)(unsafe.Pointer(&data[0]))
}

// Load reads a program from a file's contents, which are copied. Raw blobs that are invalid load as programs that panic
// at once; see Err.
func Load(blob []byte, format Format, spec Spec) (*Program, error) {
	var empty [1]byte
	data := octets(blob)
	if data == nil {
		data = octets(empty[:])
	}
	program := &Program{}
	err := fallible(func() bool {
		program.handle = C.pvm_program_load(data, C.size_t(len(blob)), C.pvm_format_t(format),
			C.pvm_spec_t(spec))
		return program.handle != nil
	})
	if err != nil {
		return nil, err
	}
	return program, nil
}

// FromParts makes a program of code, its packed bitmask (one bit where an instruction starts) and jump table.
func FromParts(code, bitmask []byte, jumpTable []uint32, spec Spec) (*Program, error) {
	var table *C.uint32_t
	if len(jumpTable) > 0 {
		table = (*C.uint32_t)(unsafe.Pointer(&jumpTable[0]))
	}
	program := &Program{}
	err := fallible(func() bool {
		program.handle = C.pvm_program_from_parts(octets(code), C.size_t(len(code)), octets(bitmask),
			C.size_t(len(bitmask)), table, C.size_t(len(jumpTable)), C.pvm_spec_t(spec))
		return program.handle != nil
	})
	if err != nil {
		return nil, err
	}
	return program, nil
}

// Close gives the program back; machines that run it keep it alive. Twice is fine.
func (p *Program) Close() {
	C.pvm_program_release(p.handle)
	p.handle = nil
}

// Spec that the program runs under; never SpecDefault.
func (p *Program) Spec() Spec {
	defer runtime.KeepAlive(p)
	return Spec(C.pvm_program_spec(p.handle))
}

// Format that the program was read from; never FormatAuto.
func (p *Program) Format() Format {
	defer runtime.KeepAlive(p)
	return Format(C.pvm_program_format(p.handle))
}

// Problem says why the program is invalid, so that it panics at once; "" for a valid one.
func (p *Program) Problem() string {
	defer runtime.KeepAlive(p)
	return C.GoString(C.pvm_program_error(p.handle))
}

// Entry finds an export by name; "refine", "is_authorized" and "accumulate" exist in JAM programs.
func (p *Program) Entry(name string) (uint32, bool) {
	defer runtime.KeepAlive(p)
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	var pc C.uint32_t
	found := C.pvm_program_find_entry(p.handle, text, &pc) == 0
	return uint32(pc), found
}

// HostCallName is the name of a host call: its import symbol, or JAM's name; "" if it has none.
func (p *Program) HostCallName(funcID int) string {
	defer runtime.KeepAlive(p)
	return C.GoString(C.pvm_host_call_name(p.handle, C.int(funcID)))
}
