//! Run time of the guests.
use crate::{
    contender::{Contender, Machine},
    guests::{self, Subject, SPECS},
    options::Options,
    ours::Ours,
    polka::{self, Cores, Polka},
    report::Report,
    sample::{most_spread, Mean, Sample},
    table::{column, Cell, Column, Table},
    REPEATS,
};
use polkavm::SandboxKind;

/// A machine with the guest in it, and how long its runs took.
struct Runner {
    name: &'static str,
    machine: Box<dyn Machine>,
    entry: u32,
    times: Sample,
}

impl Runner {
    fn new(contender: &dyn Contender, subject: &Subject) -> Result<Self, String> {
        let name = contender.name();
        let program = contender.load(subject)?;
        let entry = program.entry("main").ok_or_else(|| format!("{}: no export main", subject.name))?;
        Ok(Self { name, machine: program.instantiate()?, entry, times: Sample::default() })
    }
}

/// The argument that makes a run last that long: rounds, of which time is a multiple.
fn calibrate(runner: &mut Runner, wanted_ns: f64) -> Result<u64, String> {
    let mut n = 1;
    loop {
        let ns = (0..3).map(|_| Ok(runner.machine.call(runner.entry, n)?.ns)).collect::<Result<Vec<f64>, String>>()?;
        let fastest = ns.into_iter().fold(f64::INFINITY, f64::min);
        if fastest > wanted_ns / 10.0 {
            return Ok((n as f64 * wanted_ns / fastest).max(1.0) as u64);
        }
        n *= 2;
    }
}

/// All of them in turn, and the other way round in every second turn. Their results and gas are the same, or it is an error.
fn run_in_turn(runners: &mut [Runner], subject: &Subject, n: u64) -> Result<(), String> {
    // The first turn makes everybody's pages and is not counted.
    for repeat in 0..=REPEATS {
        let mut order: Vec<usize> = (0..runners.len()).collect();
        if repeat % 2 == 1 {
            order.reverse();
        }
        let mut expected = None;
        for index in order {
            let runner = &mut runners[index];
            let run = runner.machine.call(runner.entry, n)?;
            let answer = (run.result, run.gas);
            if *expected.get_or_insert(answer) != answer {
                let (name, guest, spec) = (runner.name, &subject.name, subject.spec_name());
                return Err(format!("{guest} ({spec}): {name} says result and gas {answer:x?}, others {expected:x?}"));
            }
            if repeat > 0 {
                runner.times.add(run.ns);
            }
        }
    }
    Ok(())
}

/// One column for each peer and gas model: its time as a multiple of libpvm's.
struct Field {
    key: &'static str,
    title: String,
    ours: Ours,
    /// None where this computer does not run it.
    peers: Vec<Option<Polka>>,
    /// Of the columns, for each spec one for libpvm's time and one for each peer.
    columns: [Vec<Column>; 2],
    note: String,
}

fn table_of(field: Field, options: &Options) -> Result<Table, String> {
    let mut columns = vec![column("guest", "guest", "")];
    columns.extend(field.columns.into_iter().flatten());
    columns.push(column("spread_percent", "spread", "%"));
    let mut table = Table::new(field.key, field.title, columns);
    let mut fastest: Vec<Mean> = (0..SPECS.len() * field.peers.len()).map(|_| Mean::default()).collect();
    let mut medians: Vec<Mean> = (0..fastest.len()).map(|_| Mean::default()).collect();

    for name in guests::names(options)? {
        let mut row = vec![Cell::Text(name.to_owned())];
        let mut spread: f64 = 0.0;
        let mut means = fastest.iter_mut().zip(&mut medians);
        for spec in SPECS {
            let subject = Subject::guest(options, name, spec)?;
            let mut runners = vec![Runner::new(&field.ours, &subject)?];
            let n = calibrate(&mut runners[0], options.run_ms * 1e6)?;
            for peer in field.peers.iter().flatten() {
                runners.push(Runner::new(peer, &subject)?);
            }
            run_in_turn(&mut runners, &subject, n)?;
            let ours = &runners[0].times;
            let mut peers = runners[1..].iter().map(|runner| &runner.times);
            row.push(Cell::Real(ours.minimum() / 1e6));
            for (peer, (fastest, median)) in field.peers.iter().zip(&mut means) {
                let times = peer.as_ref().and_then(|_| peers.next());
                let ratio = times.map(|times| times.minimum() / ours.minimum());
                fastest.extend(ratio);
                median.extend(times.map(|times| times.median_ratio(ours)));
                row.push(Cell::real(ratio));
            }
            spread = spread.max(most_spread(runners.iter().map(|runner| &runner.times)));
        }
        row.push(Cell::Real(spread));
        table.add(row);
    }
    for (name, means) in [("geom. mean", &fastest), ("of medians", &medians)] {
        let mut row = vec![Cell::Text(name.to_owned())];
        for of_spec in means.chunks(field.peers.len()) {
            row.push(Cell::None);
            row.extend(of_spec.iter().map(|mean| Cell::real(mean.value())));
        }
        row.push(Cell::None);
        table.add(row);
    }
    table.note = field.note;
    Ok(table)
}

pub fn bench(options: &Options, report: &mut Report) -> Result<(), String> {
    let version = polka::VERSION;
    report.add(table_of(
        Field {
            key: "peers_recompiler",
            title: format!("Recompilers: run time of polkavm {version} as a multiple of libpvm's"),
            ours: Ours::RECOMPILER,
            peers: vec![
                Polka::usable_recompiler(SandboxKind::Linux, Cores::Same),
                Polka::usable_recompiler(SandboxKind::Generic, Cores::Same),
            ],
            columns: [
                vec![
                    column("libpvm_0_7_2_ms", "0.7.2", "ms"),
                    column("linux_0_7_2", "linux", ""),
                    column("generic_0_7_2", "generic", ""),
                ],
                vec![
                    column("libpvm_0_8_0_ms", "0.8.0", "ms"),
                    column("linux_0_8_0", "linux", ""),
                    column("generic_0_8_0", "generic", ""),
                ],
            ],
            note: format!(
                "Above 1 libpvm is faster. Time on the processor of who executes, the fastest of {REPEATS} runs of each in \
                 turn; of medians: the mean of the medians of their ratios. Results and gas used were the same in every \
                 run. linux, generic: its sandboxes, a process of its own and this one. spread: distance of the quartiles, \
                 the largest of the row; above 10 % the machine was busy."
            ),
        },
        options,
    )?);
    report.add(table_of(
        Field {
            key: "peers_interpreter",
            title: format!("Interpreters: run time of polkavm {version} as a multiple of libpvm's"),
            ours: Ours::INTERPRETER,
            peers: vec![Some(Polka::interpreter()?)],
            columns: [
                vec![column("libpvm_0_7_2_ms", "0.7.2", "ms"), column("polkavm_0_7_2", "polkavm", "")],
                vec![column("libpvm_0_8_0_ms", "0.8.0", "ms"), column("polkavm_0_8_0", "polkavm", "")],
            ],
            note: "Read as the table above.".to_owned(),
        },
        options,
    )?);
    Ok(())
}
