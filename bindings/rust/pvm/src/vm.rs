//! Machines that execute.
use crate::{
    error::{self, check},
    Backend, Error, HostResult, Machine, Program, RunResult,
};
use std::{
    any::Any,
    ops::Deref,
    os::raw::{c_int, c_void},
    panic::{catch_unwind, AssertUnwindSafe},
    ptr::{self, NonNull},
};

type Callback = dyn FnMut(&Machine, i32) -> HostResult + Send;

/// What C's user data points to: boxed, so that it stays where it is when the `Vm` moves.
struct Host {
    callback: Box<Callback>,
    panic: Option<String>,
}

/// A machine: registers, memory, gas, program counter. State and memory are those of the [`Machine`] that it derefs to.
pub struct Vm {
    machine: Machine,
    host: Option<NonNull<Host>>,
}

// SAFETY: a machine may change threads between calls (pvm.h), and its callback is Send.
unsafe impl Send for Vm {}

/// Makes a [`Vm`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder<'a> {
    program: &'a Program,
    backend: Backend,
    service: u32,
    gas: u64,
    arguments: Option<&'a [u8]>,
}

impl<'a> Builder<'a> {
    /// Gas at the start; 0 unless it is set.
    pub fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    /// The engine that executes.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Any number; it labels the machine in profiles.
    pub fn service(mut self, service: u32) -> Self {
        self.service = service;
        self
    }

    /// Arguments of a JAM program.
    pub fn arguments(mut self, arguments: &'a [u8]) -> Self {
        self.arguments = Some(arguments);
        self
    }

    /// Make the machine.
    pub fn build(self) -> Result<Vm, Error> {
        // SAFETY: the program lives during the call, which counts it.
        let handle =
            unsafe { pvm_sys::pvm_instantiate(self.program.as_ptr(), self.backend as c_int, self.service, self.gas) };
        let machine = Machine::new(NonNull::new(handle).ok_or_else(error::last)?);
        let vm = Vm { machine, host: None };
        if let Some(arguments) = self.arguments {
            // SAFETY: the slice is read during the call only.
            check(unsafe { pvm_sys::pvm_set_arguments(vm.as_ptr(), arguments.as_ptr(), arguments.len()) })?;
        }
        Ok(vm)
    }
}

unsafe extern "C" fn on_host_call(
    vm: *mut pvm_sys::pvm_vm_t,
    func_id: c_int,
    user_data: *mut c_void,
) -> pvm_sys::pvm_host_result_t {
    // SAFETY: user_data is the Host of this Vm, which the running thread has for itself.
    let host = &mut *(user_data as *mut Host);
    let machine = Machine::new(NonNull::new_unchecked(vm));
    let callback = &mut host.callback;
    // No panic may unwind through C. What it left half done is the caller's to know: the run has ended.
    match catch_unwind(AssertUnwindSafe(|| callback(&machine, func_id))) {
        Ok(result) => result as c_int,
        Err(panic) => {
            host.panic = Some(message_of(panic));
            HostResult::Error as c_int
        }
    }
}

fn message_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().copied().unwrap_or("a value that is no text").to_owned(),
    }
}

impl Vm {
    /// A machine that runs the program. JAM programs get the standard initialization.
    pub fn builder(program: &Program) -> Builder<'_> {
        Builder { program, backend: Backend::Default, service: 0, gas: 0, arguments: None }
    }

    /// Set what answers each ecalli. If it panics, the run ends with [`Error::HostPanicked`].
    pub fn set_host_callback<F>(&mut self, callback: F)
    where
        F: FnMut(&Machine, i32) -> HostResult + Send + 'static,
    {
        self.clear_host_callback();
        let host = Box::into_raw(Box::new(Host { callback: Box::new(callback), panic: None }));
        // SAFETY: the box lives until clear_host_callback().
        unsafe { pvm_sys::pvm_set_host_callback(self.as_ptr(), Some(on_host_call), host as *mut c_void) };
        self.host = NonNull::new(host);
    }

    /// Make an ecalli end the run with [`RunResult::HostCall`].
    pub fn clear_host_callback(&mut self) {
        // SAFETY: C forgets the box before it is freed; no callback runs, because `self` is borrowed mutably.
        unsafe {
            pvm_sys::pvm_set_host_callback(self.as_ptr(), None, ptr::null_mut());
            if let Some(host) = self.host.take() {
                drop(Box::from_raw(host.as_ptr()));
            }
        }
    }

    fn ended(&mut self, result: pvm_sys::pvm_result_t) -> Result<RunResult, Error> {
        // SAFETY: the run is over, so nothing else uses the box.
        let panic = self.host.and_then(|host| unsafe { (*host.as_ptr()).panic.take() });
        if let Some(text) = panic {
            return Err(Error::HostPanicked(text));
        }
        match result {
            0 => Ok(RunResult::Ok),
            1 => Ok(RunResult::OutOfGas),
            2 => Ok(RunResult::Panic),
            3 => Ok(RunResult::HostCall),
            4 => Ok(RunResult::Fault),
            _ => Err(error::last()),
        }
    }

    /// Run from an entry point until an exit. Registers, memory and gas are kept.
    pub fn execute(&mut self, entry: u32) -> Result<RunResult, Error> {
        // SAFETY: the machine lives, and is this thread's.
        let result = unsafe { pvm_sys::pvm_execute(self.as_ptr(), entry) };
        self.ended(result)
    }

    /// Go on after a host call (behind it), a fault or out of gas (the same instruction again).
    pub fn resume(&mut self) -> Result<RunResult, Error> {
        // SAFETY: as in execute().
        let result = unsafe { pvm_sys::pvm_resume(self.as_ptr()) };
        self.ended(result)
    }

    /// Execute one instruction.
    pub fn step(&mut self) -> Result<RunResult, Error> {
        // SAFETY: as in execute().
        let result = unsafe { pvm_sys::pvm_step(self.as_ptr()) };
        self.ended(result)
    }

    /// Back to the state of the beginning, with this gas; callback and instrumentation stay.
    pub fn reset(&mut self, gas: u64) -> Result<(), Error> {
        // SAFETY: as in execute().
        check(unsafe { pvm_sys::pvm_reset(self.as_ptr(), gas) }).map(drop)
    }
}

impl Deref for Vm {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.clear_host_callback();
        // SAFETY: nothing uses the machine any more.
        unsafe { pvm_sys::pvm_destroy(self.as_ptr()) };
    }
}
