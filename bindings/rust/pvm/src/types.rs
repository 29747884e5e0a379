//! Names of the numbers of pvm.h.

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunResult {
    /// Halted; from `step` with [`State::Ready`]: goes on.
    Ok,
    OutOfGas,
    /// Trap, bad jump, or the host said [`HostResult::Error`].
    Panic,
    /// An ecalli waits for the caller.
    HostCall,
    /// Page fault: [`Machine::fault_address`](crate::Machine::fault_address).
    Fault,
}

/// What a host callback wants to happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostResult {
    /// Go on behind the ecalli.
    Continue = 0,
    /// End with [`RunResult::Ok`].
    Terminate = 1,
    /// End with [`RunResult::Panic`].
    Error = 2,
    /// Return [`RunResult::HostCall`] to the caller.
    Yield = 3,
    /// End with [`RunResult::OutOfGas`].
    OutOfGas = 4,
}

/// What a machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Halt,
    Panic,
    Fault,
    /// In a host call; also inside the callback.
    Host,
    OutOfGas,
    Ready,
}

/// The engine that executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Backend {
    /// The fastest one that is available here.
    #[default]
    Default = 0,
    Interpreter = 1,
    Recompiler = 2,
}

/// The rules that a program runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Spec {
    /// What a container says, else 0.8.0.
    #[default]
    Default = 0,
    V0_7_2 = 1,
    V0_8_0 = 2,
    Latest64 = 3,
}

/// The layout of a program file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Told apart by exact consumption.
    #[default]
    Auto = 0,
    Raw = 1,
    Jam = 2,
    PolkaVm = 3,
}

/// Access to a page of guest memory; `Write` implies `Read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    None = 0,
    Read = 1,
    Write = 2,
}
