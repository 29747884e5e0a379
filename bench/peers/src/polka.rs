//! PolkaVM, the crate `polkavm`: gas metering on and synchronous, which stops at the same block as libpvm, and its caches off.
use crate::{
    contender::{check_host_calls, Contender, HostCall, Machine, Program, Run, Served, Stop, GAS, WHAT},
    cpu::CpuClock,
    guests::Subject,
};
use polkavm::{
    program::InstructionSetKind, ArcBytes, BackendKind, CacheModel, Config, CorePinning, CostModel, CostModelKind,
    Engine, GasMeteringKind, InterruptKind, Module, ModuleConfig, ProgramBlob, ProgramCounter, ProgramParts,
    RawInstance, Reg, SandboxKind,
};
use pvm::Spec;
use std::time::Instant;

pub const VERSION: &str = env!("POLKAVM_VERSION");

pub struct Polka {
    name: &'static str,
    engine: Engine,
}

/// Where machines of the Linux sandbox run, which are processes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// On the core of this thread.
    Same,
    /// As the crate has it without being told: caller and machine on a core each.
    Own,
}

impl Polka {
    pub fn interpreter() -> Result<Self, String> {
        Self::new("interpreter", Config::new().set_backend(Some(BackendKind::Interpreter)))
    }

    /// The recompiler in this sandbox, or None and one line on stderr where the computer does not allow it.
    pub fn usable_recompiler(sandbox: SandboxKind, cores: Cores) -> Option<Self> {
        let tried = Self::recompiler(sandbox, cores).and_then(|polka| {
            polka.load(&Subject::host_calls())?.instantiate()?;
            Ok(polka)
        });
        tried.map_err(|reason| eprintln!("pvm-peers: sandbox {sandbox} is left out: {reason}")).ok()
    }

    /// A sandbox is how the recompiler's code is kept away from the rest: `linux`, a process in namespaces of its own, or
    /// `generic`, which is this process and is called experimental.
    fn recompiler(sandbox: SandboxKind, cores: Cores) -> Result<Self, String> {
        let (name, pinning) = match (sandbox, cores) {
            (SandboxKind::Generic, _) => ("generic", CorePinning::Disabled),
            (SandboxKind::Linux, Cores::Same) => ("linux", CorePinning::Disabled),
            (SandboxKind::Linux, Cores::Own) => ("linux", CorePinning::PinToCore),
        };
        let mut config = Config::new();
        config.set_backend(Some(BackendKind::Compiler)).set_sandbox(Some(sandbox));
        config.set_core_pinning(pinning).set_allow_experimental(sandbox == SandboxKind::Generic);
        Self::new(name, &config)
    }

    fn new(name: &'static str, config: &Config) -> Result<Self, String> {
        let engine = Engine::new(config).map_err(|error| format!("polkavm, {name}: {error}"))?;
        Ok(Self { name, engine })
    }
}

/// The container, or one made of the raw blob. Octets are shared, not copied.
pub fn blob_of(subject: &Subject) -> Result<ProgramBlob, String> {
    let bytes = ArcBytes::from(subject.bytes.clone());
    let blob = if subject.is_container {
        ProgramBlob::parse(bytes)
    } else {
        let mut parts = ProgramParts::empty(match subject.spec {
            Spec::V0_7_2 => InstructionSetKind::ReviveV1,
            _ => InstructionSetKind::JamV1,
        });
        parts.code_and_jump_table = bytes;
        ProgramBlob::from_parts(parts)
    };
    blob.map_err(|error| format!("polkavm: {}: {error}", subject.name))
}

struct PolkaProgram {
    module: Module,
}

struct PolkaMachine {
    instance: RawInstance,
}

impl Contender for Polka {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&self, subject: &Subject) -> Result<Box<dyn Program>, String> {
        let mut config = ModuleConfig::new();
        config.set_gas_metering(Some(GasMeteringKind::Sync));
        config.set_cost_model(Some(match subject.spec {
            Spec::V0_7_2 => CostModelKind::Simple(CostModel::naive_ref()),
            // The memory access of 25 cycles that the Gray Paper has.
            _ => CostModelKind::Full(CacheModel::L2Hit),
        }));
        let module = Module::from_blob(&self.engine, &config, blob_of(subject)?);
        Ok(Box::new(PolkaProgram { module: module.map_err(|error| format!("polkavm: {}: {error}", subject.name))? }))
    }
}

impl Program for PolkaProgram {
    fn entry(&self, name: &str) -> Option<u32> {
        let mut exports = self.module.exports();
        exports.find(|export| export.symbol().as_bytes() == name.as_bytes()).map(|export| export.program_counter().0)
    }

    fn instantiate(&self) -> Result<Box<dyn Machine>, String> {
        let instance = self.module.instantiate().map_err(|error| format!("polkavm: {error}"))?;
        Ok(Box::new(PolkaMachine { instance }))
    }
}

impl PolkaMachine {
    fn prepare(&mut self, entry: u32, argument: u64, gas: i64) {
        self.instance.prepare_call_untyped(ProgramCounter(entry), &[argument]);
        self.instance.set_gas(gas);
    }

    fn run(&mut self) -> Result<InterruptKind, String> {
        self.instance.run().map_err(|error| format!("polkavm: {error}"))
    }
}

impl Machine for PolkaMachine {
    fn enter(&mut self, entry: u32, gas: i64) -> Result<Stop, String> {
        self.prepare(entry, 0, gas);
        match self.run()? {
            InterruptKind::NotEnoughGas => Ok(Stop::OutOfGas),
            InterruptKind::Ecalli(_) => Ok(Stop::HostCall),
            other => Err(format!("polkavm: {other:?} instead of a stop")),
        }
    }

    fn call(&mut self, entry: u32, argument: u64) -> Result<Run, String> {
        self.prepare(entry, argument, GAS);
        let clock = self.instance.pid().map_or(Ok(CpuClock::THIS_THREAD), CpuClock::of_process)?;
        let begin = clock.now();
        let result = self.run();
        let ns = clock.now() - begin;
        match result? {
            InterruptKind::Finished => {
                Ok(Run { ns, result: self.instance.reg(Reg::A0), gas: GAS - self.instance.gas() })
            }
            other => Err(format!("polkavm: {other:?} instead of a halt")),
        }
    }

    fn serve(&mut self, entry: u32) -> Result<Served, String> {
        self.prepare(entry, 0, GAS);
        let mut host_calls = 0;
        let mut result = self.run()?;
        while let InterruptKind::Ecalli(_) = result {
            host_calls += 1;
            self.instance.set_reg(Reg::A0, WHAT);
            result = self.run()?;
        }
        match result {
            InterruptKind::Finished => Ok(Served { host_calls, gas: GAS - self.instance.gas() }),
            other => Err(format!("polkavm: {other:?} instead of a halt")),
        }
    }

    /// There is no callback below its linker of typed functions, which resumes in the same way.
    fn host_calls(&mut self, count: u64, _how: HostCall) -> Result<f64, String> {
        self.prepare(0, 0, GAS);
        let begin = Instant::now();
        let mut result = InterruptKind::Trap;
        for _ in 0..count {
            result = self.run()?;
            self.instance.set_reg(Reg::A0, self.instance.reg(Reg::A0) + 1);
        }
        let ns = begin.elapsed().as_nanos();
        if !matches!(result, InterruptKind::Ecalli(_)) {
            return Err(format!("polkavm: {result:?} instead of a host call"));
        }
        check_host_calls(self.instance.reg(Reg::A0), count)?;
        Ok(ns as f64 / count as f64)
    }
}
