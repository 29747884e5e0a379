//! The C API of libpvm, as `pvm/pvm.h` declares it; docs/api.md says what each function does. The crate `pvm` is safe.
#![allow(non_camel_case_types)]
use std::os::raw::{c_char, c_int, c_void};

/// A machine. Opaque.
#[repr(C)]
pub struct pvm_vm_t {
    _opaque: [u8; 0],
}

/// A program. Opaque.
#[repr(C)]
pub struct pvm_program_t {
    _opaque: [u8; 0],
}

/// Enums of the C API travel as their numbers, so that a number that Rust does not know is no undefined behaviour.
pub type pvm_result_t = c_int;
pub type pvm_host_result_t = c_int;
pub type pvm_backend_t = c_int;
pub type pvm_spec_t = c_int;
pub type pvm_format_t = c_int;
pub type pvm_access_t = c_int;

pub type pvm_host_callback_t =
    Option<unsafe extern "C" fn(vm: *mut pvm_vm_t, func_id: c_int, user_data: *mut c_void) -> pvm_host_result_t>;

extern "C" {
    pub fn pvm_version() -> *const c_char;
    pub fn pvm_last_error() -> *const c_char;

    pub fn pvm_program_load(blob: *const u8, len: usize, format: pvm_format_t, spec: pvm_spec_t) -> *mut pvm_program_t;
    pub fn pvm_program_from_parts(
        code: *const u8,
        code_len: usize,
        bitmask: *const u8,
        bitmask_len: usize,
        jump_table: *const u32,
        jump_table_len: usize,
        spec: pvm_spec_t,
    ) -> *mut pvm_program_t;
    pub fn pvm_program_acquire(program: *mut pvm_program_t);
    pub fn pvm_program_release(program: *mut pvm_program_t);
    pub fn pvm_program_spec(program: *const pvm_program_t) -> pvm_spec_t;
    pub fn pvm_program_format(program: *const pvm_program_t) -> pvm_format_t;
    pub fn pvm_program_error(program: *const pvm_program_t) -> *const c_char;
    pub fn pvm_program_find_entry(program: *const pvm_program_t, name: *const c_char, out_pc: *mut u32) -> c_int;
    pub fn pvm_host_call_name(program: *const pvm_program_t, func_id: c_int) -> *const c_char;

    pub fn pvm_instantiate(
        program: *mut pvm_program_t,
        backend: pvm_backend_t,
        service_index: u32,
        initial_gas: u64,
    ) -> *mut pvm_vm_t;
    pub fn pvm_set_arguments(vm: *mut pvm_vm_t, args: *const u8, len: usize) -> c_int;
    pub fn pvm_reset(vm: *mut pvm_vm_t, gas: u64) -> c_int;
    pub fn pvm_destroy(vm: *mut pvm_vm_t);

    pub fn pvm_set_host_callback(vm: *mut pvm_vm_t, callback: pvm_host_callback_t, user_data: *mut c_void);
    pub fn pvm_execute(vm: *mut pvm_vm_t, entry_point: u32) -> pvm_result_t;
    pub fn pvm_resume(vm: *mut pvm_vm_t) -> pvm_result_t;
    pub fn pvm_step(vm: *mut pvm_vm_t) -> pvm_result_t;

    pub fn pvm_set_register(vm: *mut pvm_vm_t, index: c_int, value: u64);
    pub fn pvm_get_register(vm: *mut pvm_vm_t, index: c_int) -> u64;
    pub fn pvm_get_machine_state(vm: *mut pvm_vm_t) -> u8;
    pub fn pvm_get_gas(vm: *mut pvm_vm_t) -> i64;
    pub fn pvm_set_gas(vm: *mut pvm_vm_t, gas: i64);
    pub fn pvm_get_pc(vm: *mut pvm_vm_t) -> u32;
    pub fn pvm_set_pc(vm: *mut pvm_vm_t, pc: u32) -> c_int;
    pub fn pvm_get_fault_address(vm: *mut pvm_vm_t) -> u32;
    pub fn pvm_get_host_call(vm: *mut pvm_vm_t) -> c_int;
    pub fn pvm_get_result(vm: *mut pvm_vm_t, out_address: *mut u32, out_len: *mut u64) -> c_int;
    pub fn pvm_get_backend(vm: *mut pvm_vm_t) -> pvm_backend_t;

    pub fn pvm_map_memory(vm: *mut pvm_vm_t, address: u32, length: u64, access: pvm_access_t) -> c_int;
    pub fn pvm_read_memory(vm: *mut pvm_vm_t, address: u32, out: *mut c_void, length: usize) -> c_int;
    pub fn pvm_write_memory(vm: *mut pvm_vm_t, address: u32, data: *const c_void, length: usize) -> c_int;
    pub fn pvm_get_access(vm: *mut pvm_vm_t, address: u32) -> pvm_access_t;
    pub fn pvm_grow_heap(vm: *mut pvm_vm_t) -> c_int;
    pub fn pvm_set_instrumentation(vm: *mut pvm_vm_t, flags: u32) -> c_int;
    pub fn pvm_set_sample_rate(vm: *mut pvm_vm_t, hz: u32) -> c_int;
    pub fn pvm_trace_load_lttng() -> c_int;
    pub fn pvm_trace_record(path: *const c_char) -> c_int;
    pub fn pvm_trace_record_end() -> c_int;
}
