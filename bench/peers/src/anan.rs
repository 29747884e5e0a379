//! anan-as, an interpreter in WebAssembly that JAM nodes in JavaScript use: run time of the guests as JAM programs, 0.7.2. It is
//! a process of Node that is asked in turn with libpvm (anan/serve.js).
use crate::{
    cpu::CpuClock,
    guests,
    options::Options,
    report::Report,
    sample::{most_spread, Mean, Sample},
    table::{column, Cell, Table},
};
use pvm::{Backend, Format, RunResult, Spec};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A round lasts a tenth of a second there, so one is enough, and not many of them.
const ROUNDS: u64 = 1;
const REPEATS: usize = 11;

/// Time on the processor in nanoseconds, gas used, octets of the result.
type Answer = (f64, i64, Vec<u8>);

struct Anan {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Anan {
    fn start(folder: &Path) -> Result<Self, String> {
        let script = folder.join("serve.js");
        let started = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.map_err(|error| format!("node: {error}"))?;
        let questions = process.stdin.take().expect("it is a pipe");
        let answers = BufReader::new(process.stdout.take().expect("it is a pipe"));
        Ok(Self { process, questions, answers })
    }

    fn run(&mut self, program: &Path) -> Result<Answer, String> {
        let mut line = String::new();
        let asked = writeln!(self.questions, "{} {ROUNDS}", program.display());
        asked.and_then(|()| self.answers.read_line(&mut line)).map_err(|error| format!("anan-as: {error}"))?;
        parse(&line).ok_or_else(|| format!("anan-as: {}: '{}' is no halt", program.display(), line.trim_end()))
    }
}

impl Drop for Anan {
    fn drop(&mut self) {
        // It waits for the next line, and may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `STATUS US GAS RESULT`
fn parse(line: &str) -> Option<Answer> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &["0", us, gas, hex] = words.as_slice() else { return None };
    let octet = |index: usize| u8::from_str_radix(hex.get(index..index + 2)?, 16).ok();
    let result = (0..hex.len()).step_by(2).map(octet).collect::<Option<_>>()?;
    Some((us.parse::<f64>().ok()? * 1e3, gas.parse().ok()?, result))
}

fn run_ours(program: &pvm::Program) -> Result<Answer, pvm::Error> {
    let gas = crate::contender::GAS;
    let arguments = ROUNDS.to_le_bytes();
    let builder = pvm::Vm::builder(program).backend(Backend::Interpreter).gas(gas as u64).arguments(&arguments);
    let mut vm = builder.build()?;
    let begin = CpuClock::THIS_THREAD.now();
    let result = vm.execute(0)?;
    let ns = CpuClock::THIS_THREAD.now() - begin;
    let octets = if result == RunResult::Ok { vm.result()? } else { Vec::new() };
    Ok((ns, gas - vm.gas(), octets))
}

fn measure(anan: &mut Anan, path: &Path) -> Result<(Sample, Sample), String> {
    let text = |error: pvm::Error| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let program = pvm::Program::load_as(&bytes, Format::Jam, Spec::V0_7_2).map_err(text)?;
    let (mut our_times, mut anan_times) = (Sample::default(), Sample::default());
    // The first time is not counted: there its code is compiled, and here memory is made.
    for repeat in 0..=REPEATS {
        let (our_ns, our_gas, our_result) = run_ours(&program).map_err(text)?;
        let (anan_ns, anan_gas, anan_result) = anan.run(path)?;
        if our_result.len() != 8 || (our_gas, &our_result) != (anan_gas, &anan_result) {
            let says = format!("{anan_gas} and {anan_result:x?}, libpvm {our_gas} and {our_result:x?}");
            return Err(format!("{}: anan-as says gas and result {says}", path.display()));
        }
        if repeat > 0 {
            our_times.add(our_ns);
            anan_times.add(anan_ns);
        }
    }
    Ok((our_times, anan_times))
}

pub fn bench(options: &Options, report: &mut Report) -> Result<(), String> {
    let Some(folder) = env::var_os("PVM_PEERS_ANAN").map(PathBuf::from) else {
        eprintln!("pvm-peers: anan-as is left out: it needs node and npm");
        return Ok(());
    };
    let mut anan = Anan::start(&folder)?;
    let columns = vec![
        column("guest", "guest", ""),
        column("libpvm_ms", "libpvm", "ms"),
        column("ratio", "anan-as", ""),
        column("spread_percent", "spread", "%"),
    ];
    let title = "Interpreters: run time of anan-as as a multiple of libpvm's, JAM programs, 0.7.2";
    let mut table = Table::new("peers_anan", title.to_owned(), columns);
    let mut mean = Mean::default();
    for name in guests::names(options)? {
        let (ours, theirs) = measure(&mut anan, &options.blobs.join(format!("{name}-0.7.2.jam")))?;
        let ratio = theirs.minimum() / ours.minimum();
        mean.extend([ratio]);
        table.add(vec![
            Cell::Text(name.to_owned()),
            Cell::Real(ours.minimum() / 1e6),
            Cell::Real(ratio),
            Cell::Real(most_spread([&ours, &theirs])),
        ]);
    }
    table.add(vec![Cell::Text("geom. mean".to_owned()), Cell::None, Cell::real(mean.value()), Cell::None]);
    table.note = format!("One round each, the fastest of {REPEATS} in turn; results and gas used were the same.");
    report.add(table);
    Ok(())
}
