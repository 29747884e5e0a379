//! How libpvm compares with PolkaVM, the other recompiler for these programs: run time, loading, and what surrounds a run;
//! and with anan-as, an interpreter in WebAssembly. With PolkaVM it executes the same container from the same entry with the same
//! argument, in turn, in this process and on one core; registers and gas must agree, else the program ends with 1.
//! docs/bench.md says what is fair about it and what is not.
//!
//! Not here: native code, which is bench/guests.c.
mod affinity;
mod anan;
mod around;
mod contender;
mod cpu;
mod guests;
mod loading;
mod options;
mod ours;
mod polka;
mod report;
mod running;
mod sample;
mod table;

use report::Report;
use std::process::ExitCode;

/// Where several contenders are at it in turn, each is measured this often.
const REPEATS: usize = 51;

fn run(options: &options::Options, report: &mut Report) -> Result<(), String> {
    affinity::pin_to_one_core()?;
    // Whatever is wrong with a file is said before minutes have passed.
    let subjects = loading::subjects(options)?;
    running::bench(options, report)?;
    loading::bench(&subjects, report)?;
    around::bench(options, report)?;
    anan::bench(options, report)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match options::parse(&arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("pvm-peers: {reason}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(options.json);
    if let Err(reason) = run(&options, &mut report).and_then(|()| report.finish()) {
        eprintln!("pvm-peers: {reason}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
