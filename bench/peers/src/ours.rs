//! libpvm, through its Rust binding.
use crate::{
    contender::{check_host_calls, Contender, HostCall, Machine, Program, Run, Served, Stop, GAS, WHAT},
    cpu::CpuClock,
    guests::Subject,
};
use pvm::{Backend, Format, HostResult, RunResult, REGISTER_COUNT};
use std::time::Instant;

/// What tells libpvm, when a program is first run, whether its code grows.
const UNIT: &str = "PVM_UNIT";

pub struct Ours {
    backend: Backend,
    at_once: bool,
}

impl Ours {
    pub const INTERPRETER: Self = Self { backend: Backend::Interpreter, at_once: false };
    pub const RECOMPILER: Self = Self { backend: Backend::Recompiler, at_once: false };
    /// Compiles all of a program, large ones too.
    pub const RECOMPILER_AT_ONCE: Self = Self { backend: Backend::Recompiler, at_once: true };
}

struct OurProgram {
    program: pvm::Program,
    backend: Backend,
    at_once: bool,
}

struct OurMachine {
    vm: pvm::Vm,
    at_once: bool,
    /// As a fresh machine has them.
    registers: [u64; REGISTER_COUNT],
}

fn text(error: pvm::Error) -> String {
    format!("libpvm: {error}")
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        "libpvm"
    }

    fn load(&self, subject: &Subject) -> Result<Box<dyn Program>, String> {
        let format = if subject.is_container { Format::PolkaVm } else { Format::Raw };
        let program = pvm::Program::load_as(&subject.bytes, format, subject.spec).map_err(text)?;
        match program.problem() {
            Some(problem) => Err(format!("{}: {problem}", subject.name)),
            None => Ok(Box::new(OurProgram { program, backend: self.backend, at_once: self.at_once })),
        }
    }
}

impl Program for OurProgram {
    fn entry(&self, name: &str) -> Option<u32> {
        self.program.entry(name)
    }

    fn instantiate(&self) -> Result<Box<dyn Machine>, String> {
        let vm = pvm::Vm::builder(&self.program).backend(self.backend).build().map_err(text)?;
        if vm.backend() != self.backend {
            return Err("libpvm: no recompiler here".to_owned());
        }
        Ok(Box::new(OurMachine { registers: vm.registers(), vm, at_once: self.at_once }))
    }
}

impl Machine for OurMachine {
    fn enter(&mut self, entry: u32, gas: i64) -> Result<Stop, String> {
        if self.at_once {
            std::env::set_var(UNIT, "0");
        } else {
            std::env::remove_var(UNIT);
        }
        self.vm.set_gas(gas);
        match self.vm.execute(entry).map_err(text)? {
            RunResult::OutOfGas => Ok(Stop::OutOfGas),
            RunResult::HostCall => Ok(Stop::HostCall),
            other => Err(format!("libpvm: {other:?} instead of a stop")),
        }
    }

    fn call(&mut self, entry: u32, argument: u64) -> Result<Run, String> {
        for (index, value) in self.registers.into_iter().enumerate() {
            self.vm.set_register(index, value);
        }
        self.vm.set_register(7, argument);
        self.vm.set_gas(GAS);
        let begin = CpuClock::THIS_THREAD.now();
        let result = self.vm.execute(entry);
        let ns = CpuClock::THIS_THREAD.now() - begin;
        match result.map_err(text)? {
            RunResult::Ok => Ok(Run { ns, result: self.vm.register(7), gas: GAS - self.vm.gas() }),
            other => Err(format!("libpvm: {other:?} instead of a halt")),
        }
    }

    fn serve(&mut self, entry: u32) -> Result<Served, String> {
        self.vm.set_gas(GAS);
        let mut host_calls = 0;
        let mut result = self.vm.execute(entry).map_err(text)?;
        while result == RunResult::HostCall {
            host_calls += 1;
            self.vm.set_register(7, WHAT);
            result = self.vm.resume().map_err(text)?;
        }
        match result {
            RunResult::Ok => Ok(Served { host_calls, gas: GAS - self.vm.gas() }),
            other => Err(format!("libpvm: {other:?} instead of a halt")),
        }
    }

    fn host_calls(&mut self, count: u64, how: HostCall) -> Result<f64, String> {
        self.vm.set_register(7, 0);
        self.vm.set_gas(GAS);
        let ns = match how {
            HostCall::Returned => {
                let begin = Instant::now();
                let mut result = self.vm.execute(0);
                for _ in 1..count {
                    self.vm.set_register(7, self.vm.register(7) + 1);
                    result = self.vm.resume();
                }
                self.vm.set_register(7, self.vm.register(7) + 1);
                let ns = begin.elapsed().as_nanos();
                if result.map_err(text)? != RunResult::HostCall {
                    return Err("libpvm: no host call".to_owned());
                }
                ns
            }
            HostCall::Callback => {
                self.vm.set_host_callback(move |machine, _| {
                    let calls = machine.register(7) + 1;
                    machine.set_register(7, calls);
                    if calls < count {
                        HostResult::Continue
                    } else {
                        HostResult::Terminate
                    }
                });
                let begin = Instant::now();
                let result = self.vm.execute(0);
                let ns = begin.elapsed().as_nanos();
                self.vm.clear_host_callback();
                result.map_err(text)?;
                ns
            }
        };
        check_host_calls(self.vm.register(7), count)?;
        Ok(ns as f64 / count as f64)
    }
}
