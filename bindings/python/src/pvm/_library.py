"""libpvm, loaded once, with the types of its functions. docs/api.md says what each one does."""
import ctypes
import ctypes.util
import os
from ctypes import (CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_size_t, c_uint8, c_uint32, c_uint64,
                    c_void_p)

#: pvm_host_result_t (*)(pvm_vm_t *vm, int func_id, void *user_data)
HostCallback = CFUNCTYPE(c_int, c_void_p, c_int, c_void_p)

_FUNCTIONS = {
    "pvm_version": (c_char_p, []),
    "pvm_last_error": (c_char_p, []),
    "pvm_program_load": (c_void_p, [c_char_p, c_size_t, c_int, c_int]),
    "pvm_program_from_parts": (c_void_p, [c_char_p, c_size_t, c_char_p, c_size_t, POINTER(c_uint32), c_size_t,
                                          c_int]),
    "pvm_program_release": (None, [c_void_p]),
    "pvm_program_spec": (c_int, [c_void_p]),
    "pvm_program_format": (c_int, [c_void_p]),
    "pvm_program_error": (c_char_p, [c_void_p]),
    "pvm_program_find_entry": (c_int, [c_void_p, c_char_p, POINTER(c_uint32)]),
    "pvm_program_export": (c_char_p, [c_void_p, c_size_t, POINTER(c_uint32)]),
    "pvm_host_call_name": (c_char_p, [c_void_p, c_int]),
    "pvm_instantiate": (c_void_p, [c_void_p, c_int, c_uint32, c_uint64]),
    "pvm_set_arguments": (c_int, [c_void_p, c_char_p, c_size_t]),
    "pvm_reset": (c_int, [c_void_p, c_uint64]),
    "pvm_destroy": (None, [c_void_p]),
    "pvm_set_host_callback": (None, [c_void_p, HostCallback, c_void_p]),
    "pvm_execute": (c_int, [c_void_p, c_uint32]),
    "pvm_resume": (c_int, [c_void_p]),
    "pvm_step": (c_int, [c_void_p]),
    "pvm_set_register": (None, [c_void_p, c_int, c_uint64]),
    "pvm_get_register": (c_uint64, [c_void_p, c_int]),
    "pvm_get_machine_state": (c_uint8, [c_void_p]),
    "pvm_get_gas": (c_int64, [c_void_p]),
    "pvm_set_gas": (None, [c_void_p, c_int64]),
    "pvm_get_pc": (c_uint32, [c_void_p]),
    "pvm_set_pc": (c_int, [c_void_p, c_uint32]),
    "pvm_get_fault_address": (c_uint32, [c_void_p]),
    "pvm_get_host_call": (c_int, [c_void_p]),
    "pvm_get_result": (c_int, [c_void_p, POINTER(c_uint32), POINTER(c_uint64)]),
    "pvm_get_backend": (c_int, [c_void_p]),
    "pvm_map_memory": (c_int, [c_void_p, c_uint32, c_uint64, c_int]),
    "pvm_read_memory": (c_int, [c_void_p, c_uint32, c_void_p, c_size_t]),
    "pvm_write_memory": (c_int, [c_void_p, c_uint32, c_char_p, c_size_t]),
    "pvm_get_access": (c_int, [c_void_p, c_uint32]),
    "pvm_grow_heap": (c_int, [c_void_p]),
    "pvm_set_instrumentation": (c_int, [c_void_p, c_uint32]),
    "pvm_set_sample_rate": (c_int, [c_void_p, c_uint32]),
    "pvm_trace_load_lttng": (c_int, []),
    "pvm_trace_record": (c_int, [c_char_p]),
    "pvm_trace_record_end": (c_int, []),
}


def _load() -> ctypes.CDLL:
    name = os.environ.get("PVM_LIBRARY") or ctypes.util.find_library("pvm") or "libpvm.so.0"
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise ImportError(f"{error}; install libpvm, or name it in the environment variable PVM_LIBRARY") from None
    for function, (result, arguments) in _FUNCTIONS.items():
        entry = getattr(library, function)
        entry.restype = result
        entry.argtypes = arguments
    return library


lib = _load()
