//! What surrounds a run: making and freeing a machine, calling the host.
use crate::{
    affinity::AllCores,
    contender::{Contender, HostCall, Served, Stop, GAS},
    guests::{Subject, SPECS},
    options::Options,
    ours::Ours,
    polka::{Cores, Polka},
    report::Report,
    sample::{most_spread, Sample},
    table::{column, Cell, Table},
    REPEATS,
};
use polkavm::SandboxKind;
use std::{cell::OnceCell, time::Instant};

/// Machines and host calls in one measurement: far above what the clock costs.
const MACHINES: u32 = 20;
const HOST_CALLS: u64 = 1_000;

/// @return ns for each; the service calls the host in its first block
fn machines(contender: &dyn Contender, service: &Subject, is_run: bool) -> Result<f64, String> {
    let program = contender.load(service)?;
    let entry = program.entry("refine").ok_or("the service has no refine")?;
    let once = || -> Result<(), String> {
        let mut machine = program.instantiate()?;
        match is_run && machine.enter(entry, GAS)? != Stop::HostCall {
            true => Err("the service calls no host".to_owned()),
            false => Ok(()),
        }
    };
    // Compiled, and with memory at hand that a machine left.
    once()?;
    let begin = Instant::now();
    for _ in 0..MACHINES {
        once()?;
    }
    Ok(begin.elapsed().as_nanos() as f64 / f64::from(MACHINES))
}

/// From octets to the end of the service's accumulate, freed again. @return ns
fn invocation(contender: &dyn Contender, service: &Subject, expected: &OnceCell<Served>) -> Result<f64, String> {
    let begin = Instant::now();
    {
        let program = contender.load(service)?;
        let entry = program.entry("accumulate").ok_or("the service has no accumulate")?;
        let served = program.instantiate()?.serve(entry)?;
        let first = expected.get_or_init(|| served.clone());
        if *first != served {
            return Err(format!("accumulate: {} says {served:?}, others {first:?}", contender.name()));
        }
    }
    Ok(begin.elapsed().as_nanos() as f64)
}

fn host_calls(contender: &dyn Contender, how: HostCall) -> Result<f64, String> {
    let mut machine = contender.load(&Subject::host_calls())?.instantiate()?;
    machine.host_calls(1, how)?;
    machine.host_calls(HOST_CALLS, how)
}

type What<'a> = (&'a str, Box<dyn Fn(&dyn Contender) -> Result<f64, String> + 'a>);

fn add_rows(table: &mut Table, name: &str, ours: &Ours, peer: &Polka, whats: &[What]) -> Result<(), String> {
    for (what, measure) in whats {
        let (mut our_times, mut peer_times) = (Sample::default(), Sample::default());
        for _ in 0..REPEATS {
            our_times.add(measure(ours)?);
            peer_times.add(measure(peer)?);
        }
        table.add(vec![
            Cell::Text(name.to_owned()),
            Cell::Text((*what).to_owned()),
            Cell::Real(our_times.minimum()),
            Cell::Real(peer_times.minimum()),
            Cell::Real(peer_times.minimum() / our_times.minimum()),
            Cell::Real(most_spread([&our_times, &peer_times])),
        ]);
    }
    Ok(())
}

pub fn bench(options: &Options, report: &mut Report) -> Result<(), String> {
    let service = Subject::guest(options, "service", SPECS[1])?;
    let served = OnceCell::new();
    let whats: [What; 5] = [
        ("machine, made and freed", Box::new(|contender| machines(contender, &service, false))),
        ("and run to a host call", Box::new(|contender| machines(contender, &service, true))),
        ("load, run, free", Box::new(|contender| invocation(contender, &service, &served))),
        ("host call, returned", Box::new(|contender| host_calls(contender, HostCall::Returned))),
        ("host call, callback", Box::new(|contender| host_calls(contender, HostCall::Callback))),
    ];
    let columns = vec![
        column("polkavm", "polkavm", ""),
        column("what", "what", ""),
        column("libpvm_ns", "libpvm", ""),
        column("polkavm_ns", "polkavm", ""),
        column("ratio", "ratio", ""),
        column("spread_percent", "spread", "%"),
    ];
    let mut table = Table::new("peers_around", "Around a run, in nanoseconds".to_owned(), columns);
    add_rows(&mut table, "interpreter", &Ours::INTERPRETER, &Polka::interpreter()?, &whats)?;
    if let Some(generic) = Polka::usable_recompiler(SandboxKind::Generic, Cores::Same) {
        add_rows(&mut table, "generic", &Ours::RECOMPILER, &generic, &whats)?;
    }
    {
        // Its caller waits for a host call by asking again and again, which on one core would keep the other from coming.
        let _all = AllCores::new()?;
        if let Some(linux) = Polka::usable_recompiler(SandboxKind::Linux, Cores::Own) {
            add_rows(&mut table, "linux", &Ours::RECOMPILER, &linux, &whats)?;
        }
    }
    let accumulated = served.get().ok_or("nothing was accumulated")?;
    table.note = format!(
        "The fastest of {REPEATS} times {MACHINES} machines of service.polkavm; as often its accumulate from octets to the \
         end, with {} host calls and gas of {}; and {HOST_CALLS} host calls in a program that does nothing else, where the \
         host adds 1 to a register. callback: of libpvm; polkavm returns there, too. \
         linux: caller and machine on a core each, as polkavm has it.",
        accumulated.host_calls, accumulated.gas
    );
    report.add(table);
    Ok(())
}
