//! From a container to code: the block table, its prices and the emitted code, per octet of code.
use crate::{
    contender::{Contender, Program, Stop},
    cpu::CpuClock,
    guests::{Subject, SPECS},
    options::Options,
    ours::Ours,
    polka::{blob_of, Cores, Polka},
    report::Report,
    sample::{most_spread, Sample},
    table::{column, Cell, Table},
    REPEATS,
};
use polkavm::SandboxKind;
use std::time::Instant;

/// A contender, and how long the parts of its loading took, per octet.
struct Loader<'a> {
    contender: &'a dyn Contender,
    /// Nothing of this is done by another process, so it is time on the processor.
    loaded: Sample,
    /// Making the first machine and finding the gas of its first block missing, which it can only say in its code.
    entered: Sample,
    /// The same with the second machine of the program: no code is made.
    again: Sample,
    all: Sample,
}

impl<'a> Loader<'a> {
    fn new(contender: &'a dyn Contender) -> Self {
        Self {
            contender,
            loaded: Sample::default(),
            entered: Sample::default(),
            again: Sample::default(),
            all: Sample::default(),
        }
    }

    fn load_once(&mut self, subject: &Subject, octets: f64, is_counted: bool) -> Result<(), String> {
        let begin = CpuClock::THIS_THREAD.now();
        let program = self.contender.load(subject)?;
        let loaded = CpuClock::THIS_THREAD.now() - begin;
        let entered = enter(program.as_ref())?;
        let again = enter(program.as_ref())?;
        if is_counted {
            self.loaded.add(loaded / octets);
            self.entered.add(entered / octets);
            self.again.add(again / octets);
            self.all.add((loaded + entered) / octets);
        }
        Ok(())
    }

    /// Whoever makes code when the first machine is entered has paid for it there.
    fn code(&self) -> f64 {
        self.loaded.minimum() + (self.entered.minimum() - self.again.minimum()).max(0.0)
    }
}

/// @return of making a machine and entering it, in ns
fn enter(program: &dyn Program) -> Result<f64, String> {
    let entry = program.entry("main").unwrap_or(0);
    let begin = Instant::now();
    let mut machine = program.instantiate()?;
    let stop = machine.enter(entry, 0)?;
    let ns = begin.elapsed().as_nanos() as f64;
    match stop {
        Stop::OutOfGas => Ok(ns),
        Stop::HostCall => Err("a first block that costs nothing".to_owned()),
    }
}

fn load_in_turn<'a>(subject: &Subject, contenders: &[&'a dyn Contender]) -> Result<Vec<Loader<'a>>, String> {
    let octets = blob_of(subject)?.code().len() as f64;
    let mut loaders: Vec<_> = contenders.iter().map(|contender| Loader::new(*contender)).collect();
    // The first time is not counted: all of them keep memory for the next program.
    for repeat in 0..=REPEATS {
        for loader in &mut loaders {
            loader.load_once(subject, octets, repeat > 0)?;
        }
    }
    Ok(loaders)
}

fn row_of(subject: &Subject, what: Option<&str>, values: Vec<Option<f64>>, loaders: &[Loader]) -> Vec<Cell> {
    let mut row = vec![Cell::Text(subject.name.clone()), Cell::Text(subject.spec_name().to_owned())];
    row.extend(what.map(|what| Cell::Text(what.to_owned())));
    row.extend(values.into_iter().map(Cell::real));
    row.push(Cell::Real(most_spread(loaders.iter().map(|loader| &loader.all))));
    row
}

fn recompilers(subjects: &[Subject]) -> Result<Table, String> {
    let peers = [SandboxKind::Linux, SandboxKind::Generic].map(|kind| Polka::usable_recompiler(kind, Cores::Same));
    let mut table = Table::new(
        "peers_load_recompiler",
        "Recompilers: loading, in nanoseconds per octet of code".to_owned(),
        vec![
            column("program", "program", ""),
            column("gas", "gas", ""),
            column("until", "until", ""),
            column("libpvm_ns", "libpvm", ""),
            column("units_ns", "by units", ""),
            column("linux_ns", "linux", ""),
            column("generic_ns", "generic", ""),
            column("spread_percent", "spread", "%"),
        ],
    );
    for subject in subjects {
        let mut contenders: Vec<&dyn Contender> = vec![&Ours::RECOMPILER_AT_ONCE, &Ours::RECOMPILER];
        contenders.extend(peers.iter().flatten().map(|peer| peer as &dyn Contender));
        let loaders = load_in_turn(subject, &contenders)?;
        let of_each = |time: fn(&Loader) -> f64| {
            let mut times = loaders.iter().map(time);
            let mut values = vec![times.next(), times.next()];
            values.extend(peers.iter().map(|peer| peer.as_ref().and_then(|_| times.next())));
            values
        };
        let mut all_code = of_each(|loader| loader.code());
        // By units it is never all of it.
        all_code[1] = None;
        table.add(row_of(subject, Some("code is there"), all_code, &loaders));
        table.add(row_of(subject, Some("a machine is in it"), of_each(|loader| loader.all.minimum()), &loaders));
    }
    table.note = format!(
        "The fastest of {REPEATS} times in turn, with memory kept from earlier programs. a machine is in it: and has found \
         out in its first block that it has no gas. libpvm: all code compiled at once; by units: as it does with large programs."
    );
    Ok(table)
}

fn interpreters(subjects: &[Subject]) -> Result<Table, String> {
    let polkavm = Polka::interpreter()?;
    let mut table = Table::new(
        "peers_load_interpreter",
        "Interpreters: the same, until a machine is in its first block".to_owned(),
        vec![
            column("program", "program", ""),
            column("gas", "gas", ""),
            column("libpvm_ns", "libpvm", ""),
            column("polkavm_ns", "polkavm", ""),
            column("spread_percent", "spread", "%"),
        ],
    );
    for subject in subjects {
        let loaders = load_in_turn(subject, &[&Ours::INTERPRETER, &polkavm])?;
        let all = loaders.iter().map(|loader| Some(loader.all.minimum()));
        table.add(row_of(subject, None, all.collect(), &loaders));
    }
    table.note = "polkavm decodes a block when it is entered, libpvm the program when it is loaded.".to_owned();
    Ok(table)
}

/// What is loaded: a guest for each gas model, and the file of --program.
pub fn subjects(options: &Options) -> Result<Vec<Subject>, String> {
    let mut subjects = Vec::new();
    for spec in SPECS {
        subjects.push(Subject::guest(options, options.only.as_deref().unwrap_or("large"), spec)?);
    }
    if let Some(path) = &options.program {
        subjects.push(Subject::file(path, options.spec)?);
    }
    Ok(subjects)
}

pub fn bench(subjects: &[Subject], report: &mut Report) -> Result<(), String> {
    report.add(recompilers(subjects)?);
    report.add(interpreters(subjects)?);
    Ok(())
}
