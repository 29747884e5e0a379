//! Run Polkadot Virtual Machine programs with exact gas: a safe layer over libpvm.
//!
//! ```no_run
//! # fn main() -> Result<(), pvm::Error> {
//! let program = pvm::Program::load(&std::fs::read("service.jam").unwrap())?;
//! let mut vm = pvm::Vm::builder(&program).gas(1_000_000).build()?;
//! vm.set_host_callback(|machine, func_id| {
//!     if !machine.use_gas(10) {
//!         return pvm::HostResult::OutOfGas;
//!     }
//!     machine.set_register(7, u64::MAX - 1);
//!     pvm::HostResult::Continue
//! });
//! let result = vm.execute(program.entry("accumulate").unwrap())?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Program`] is immutable and shared by threads. A [`Vm`] belongs to one thread at a time: it can be sent, not
//! shared.
//!
//! ```compile_fail
//! fn is_shared_by_threads<T: Sync>() {}
//! is_shared_by_threads::<pvm::Vm>();
//! ```
//!
//! Guest memory is read and written by copies; no reference into it exists.
mod error;
mod machine;
mod program;
mod types;
mod vm;

pub use error::Error;
pub use machine::Machine;
pub use program::Program;
pub use types::{Access, Backend, Format, HostResult, RunResult, Spec, State};
pub use vm::{Builder, Vm};

/// Octets in a page of guest memory.
pub const PAGE_SIZE: u64 = 4096;
/// Guest registers, r0 to r12.
pub const REGISTER_COUNT: usize = 13;

/// What [`Machine::set_instrumentation`] collects, to be combined.
pub mod instrument {
    /// Executions and gas of every block.
    pub const COUNTS: u32 = 1;
    /// Executions of every edge between blocks.
    pub const EDGES: u32 = 1 << 1;
    /// Every block in order, to whoever listens.
    pub const BLOCKS: u32 = 1 << 2;
    /// Every block with its gas, one by one.
    pub const GAS: u32 = 1 << 3;
    /// Guest memory that the host reads and writes.
    pub const MEMORY: u32 = 1 << 4;
    /// The calling-context tree.
    pub const CALLS: u32 = 1 << 5;
    /// The last blocks before a failure.
    pub const FLIGHT: u32 = 1 << 6;
    /// Where guest time goes, 99 times a second.
    pub const SAMPLES: u32 = 1 << 7;
}

/// Load the LTTng provider, so that sessions see this process.
pub fn load_lttng() -> Result<(), Error> {
    error::check(unsafe { pvm_sys::pvm_trace_load_lttng() }).map(drop)
}

/// Record all machines of this process into a run file, until [`record_end`] or the end of the process.
/// `PVM_TRACE=record:FILE` in the environment does the same.
pub fn record(path: &std::path::Path) -> Result<(), Error> {
    let text = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(|_| Error::Refused(format!("{}: a path with a zero octet", path.display())))?;
    // SAFETY: the text lives during the call.
    error::check(unsafe { pvm_sys::pvm_trace_record(text.as_ptr()) }).map(drop)
}

/// Finish the run file. Fails if nothing was being recorded, or not all could be stored.
pub fn record_end() -> Result<(), Error> {
    error::check(unsafe { pvm_sys::pvm_trace_record_end() }).map(drop)
}

/// Version of libpvm.
pub fn version() -> &'static str {
    // SAFETY: a constant text.
    unsafe { std::ffi::CStr::from_ptr(pvm_sys::pvm_version()) }.to_str().unwrap_or("?")
}
