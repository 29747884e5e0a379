package pvm

/*
#include <pvm/trace.h>
#include <stdlib.h>
*/
import "C"

import "unsafe"

// LoadLTTng loads the LTTng provider, so that sessions see this process.
func LoadLTTng() error {
	return fallible(func() bool { return C.pvm_trace_load_lttng() == 0 })
}

// Record records all machines of this process into a run file, until RecordEnd or the end of the process.
// PVM_TRACE=record:FILE in the environment does the same.
func Record(path string) error {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	return fallible(func() bool { return C.pvm_trace_record(text) == 0 })
}

// RecordEnd finishes the run file. It fails if nothing was being recorded, or not all could be stored.
func RecordEnd() error {
	return fallible(func() bool { return C.pvm_trace_record_end() == 0 })
}
