//! What a host callback sees of a machine, and a `Vm` of itself: state and memory, not execution.
use crate::{error::check, Access, Backend, Error, State, REGISTER_COUNT};
use std::{
    os::raw::{c_int, c_void},
    ptr::NonNull,
};

/// Registers, gas, pc and memory of a machine. In a callback it is borrowed; a [`Vm`](crate::Vm) is one, too.
///
/// Methods take `&self`: the state is libpvm's, and a machine is used by one thread at a time.
#[derive(Debug)]
pub struct Machine {
    handle: NonNull<pvm_sys::pvm_vm_t>,
}

// In all of these the machine lives as long as `self`, and no other thread uses it: Machine is neither Send nor Sync,
// and a Vm, which is Send, lends it.
impl Machine {
    pub(crate) fn new(handle: NonNull<pvm_sys::pvm_vm_t>) -> Self {
        Self { handle }
    }

    /// The `pvm_vm_t`, for C code of yours.
    pub fn as_ptr(&self) -> *mut pvm_sys::pvm_vm_t {
        self.handle.as_ptr()
    }

    /// Register 0 to 12. Panics for another index.
    pub fn register(&self, index: usize) -> u64 {
        assert!(index < REGISTER_COUNT, "no register {index}");
        unsafe { pvm_sys::pvm_get_register(self.as_ptr(), index as c_int) }
    }

    /// Set register 0 to 12. Panics for another index.
    pub fn set_register(&self, index: usize, value: u64) {
        assert!(index < REGISTER_COUNT, "no register {index}");
        unsafe { pvm_sys::pvm_set_register(self.as_ptr(), index as c_int, value) };
    }

    /// A copy of all registers.
    pub fn registers(&self) -> [u64; REGISTER_COUNT] {
        std::array::from_fn(|index| self.register(index))
    }

    /// What it is doing; [`State::Host`] in a callback.
    pub fn state(&self) -> State {
        match unsafe { pvm_sys::pvm_get_machine_state(self.as_ptr()) } {
            0 => State::Halt,
            1 => State::Panic,
            2 => State::Fault,
            3 => State::Host,
            4 => State::OutOfGas,
            _ => State::Ready,
        }
    }

    /// Gas that is left.
    pub fn gas(&self) -> i64 {
        unsafe { pvm_sys::pvm_get_gas(self.as_ptr()) }
    }

    /// Set the gas that is left.
    pub fn set_gas(&self, gas: i64) {
        unsafe { pvm_sys::pvm_set_gas(self.as_ptr(), gas) };
    }

    /// Take the price of a host call. False: there is less, then nothing is left; answer
    /// [`HostResult::OutOfGas`](crate::HostResult::OutOfGas).
    #[must_use]
    pub fn use_gas(&self, price: i64) -> bool {
        let left = self.gas().saturating_sub(price);
        self.set_gas(left.max(0));
        left >= 0
    }

    /// Program counter; at an exit that of the instruction that caused it.
    pub fn pc(&self) -> u32 {
        unsafe { pvm_sys::pvm_get_pc(self.as_ptr()) }
    }

    /// Set the program counter; the state becomes `Ready`. In a callback, `Continue` goes on there.
    pub fn set_pc(&self, pc: u32) -> Result<(), Error> {
        check(unsafe { pvm_sys::pvm_set_pc(self.as_ptr(), pc) }).map(drop)
    }

    /// In state `Fault` the page of the first inaccessible octet.
    pub fn fault_address(&self) -> u32 {
        unsafe { pvm_sys::pvm_get_fault_address(self.as_ptr()) }
    }

    /// In state `Host` the number of the host call.
    pub fn host_call(&self) -> i32 {
        unsafe { pvm_sys::pvm_get_host_call(self.as_ptr()) }
    }

    /// The engine in use; never `Default`.
    pub fn backend(&self) -> Backend {
        match unsafe { pvm_sys::pvm_get_backend(self.as_ptr()) } {
            1 => Backend::Interpreter,
            _ => Backend::Recompiler,
        }
    }

    /// What a halted JAM program returned: the r8 octets at r7, empty if they cannot be read.
    pub fn result(&self) -> Result<Vec<u8>, Error> {
        let (mut address, mut length) = (0, 0);
        check(unsafe { pvm_sys::pvm_get_result(self.as_ptr(), &mut address, &mut length) })?;
        self.read_memory(address, length as usize)
    }

    /// Choose what is collected: see [`instrument`](crate::instrument).
    pub fn set_instrumentation(&self, flags: u32) -> Result<(), Error> {
        check(unsafe { pvm_sys::pvm_set_instrumentation(self.as_ptr(), flags) }).map(drop)
    }

    /// How often [`instrument::SAMPLES`](crate::instrument::SAMPLES) samples, in ticks a second.
    pub fn set_sample_rate(&self, hz: u32) -> Result<(), Error> {
        check(unsafe { pvm_sys::pvm_set_sample_rate(self.as_ptr(), hz) }).map(drop)
    }

    /// A copy of readable guest memory. All or nothing.
    pub fn read_memory(&self, address: u32, length: usize) -> Result<Vec<u8>, Error> {
        // What cannot be in 32 bits is refused before there is room for it.
        let fits = length as u64 <= (1 << 32) - u64::from(address);
        let mut data = vec![0; if fits { length } else { 0 }];
        check(unsafe { pvm_sys::pvm_read_memory(self.as_ptr(), address, data.as_mut_ptr() as *mut c_void, length) })?;
        Ok(data)
    }

    /// Fill `data` from readable guest memory. All or nothing.
    pub fn read_memory_into(&self, address: u32, data: &mut [u8]) -> Result<(), Error> {
        let out = data.as_mut_ptr() as *mut c_void;
        check(unsafe { pvm_sys::pvm_read_memory(self.as_ptr(), address, out, data.len()) }).map(drop)
    }

    /// Copy into writable guest memory. All or nothing.
    pub fn write_memory(&self, address: u32, data: &[u8]) -> Result<(), Error> {
        let from = data.as_ptr() as *const c_void;
        check(unsafe { pvm_sys::pvm_write_memory(self.as_ptr(), address, from, data.len()) }).map(drop)
    }

    /// Map, change or (`Access::None`) discard whole pages.
    pub fn map_memory(&self, address: u32, length: u64, access: Access) -> Result<(), Error> {
        check(unsafe { pvm_sys::pvm_map_memory(self.as_ptr(), address, length, access as c_int) }).map(drop)
    }

    /// Access to the page that holds the address.
    pub fn access(&self, address: u32) -> Access {
        match unsafe { pvm_sys::pvm_get_access(self.as_ptr(), address) } {
            0 => Access::None,
            1 => Access::Read,
            _ => Access::Write,
        }
    }

    /// Perform the host call `grow_heap` of GP 0.8.0. False: the gas does not suffice.
    pub fn grow_heap(&self) -> Result<bool, Error> {
        check(unsafe { pvm_sys::pvm_grow_heap(self.as_ptr()) }).map(|status| status == 0)
    }
}
