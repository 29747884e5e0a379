//! What every virtual machine here is asked to do, each in its own way.
use crate::guests::Subject;

/// More gas than any guest burns, and room for a sum.
pub const GAS: i64 = 1 << 60;

/// A run that came to a good end.
pub struct Run {
    /// On the processor: cpu.rs.
    pub ns: f64,
    pub result: u64,
    pub gas: i64,
}

/// A virtual machine in one of its configurations.
pub trait Contender {
    fn name(&self) -> &'static str;
    /// All that comes before the first machine.
    fn load(&self, subject: &Subject) -> Result<Box<dyn Program>, String>;
}

pub trait Program {
    /// pc of an export.
    fn entry(&self, name: &str) -> Option<u32>;
    fn instantiate(&self) -> Result<Box<dyn Machine>, String>;
}

pub trait Machine {
    /// Begin with `gas`, of which no more than one block must be paid, and say how it ended.
    fn enter(&mut self, entry: u32, gas: i64) -> Result<Stop, String>;
    /// Time a call of `entry` until it returns, registers as for a first call, whatever was called before.
    fn call(&mut self, entry: u32, argument: u64) -> Result<Run, String>;
    /// Run `entry` until it returns, and say WHAT to every host call.
    fn serve(&mut self, entry: u32) -> Result<Served, String>;
    /// Time so many host calls of a program that does nothing else; each adds 1 to r7. In nanoseconds for each.
    fn host_calls(&mut self, count: u64, how: HostCall) -> Result<f64, String>;
}

/// What JAM answers to a host call that it does not know.
pub const WHAT: u64 = u64::MAX - 1;

/// A run with host calls that came to a good end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    pub host_calls: u64,
    pub gas: i64,
}

/// Where a run that was entered stopped.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    OutOfGas,
    HostCall,
}

/// Who answers a host call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HostCall {
    /// The caller, to whom the machine returns, and who resumes it.
    Returned,
    /// A callback.
    Callback,
}

/// A sum that is wrong is no measurement.
pub fn check_host_calls(r7: u64, count: u64) -> Result<(), String> {
    match r7 == count {
        true => Ok(()),
        false => Err(format!("r7 is {r7} after {count} host calls that add 1 to it")),
    }
}
