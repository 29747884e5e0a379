//! Machines in Rust: closures, panics, copies, errors, threads.
use pvm::{Access, Backend, Error, Format, HostResult, Program, RunResult, Spec, State, Vm};
use std::sync::{
    atomic::{AtomicU32, Ordering},
    Arc,
};

const HALT: u64 = 0xffff_0000;

/// ecalli 5, then a jump to r0, under 0.7.2.
fn caller(gas: u64) -> Vm {
    let program = Program::from_parts(&[10, 5, 50, 0], &[0x05], &[], Spec::V0_7_2).unwrap();
    let vm = Vm::builder(&program).gas(gas).service(7).build().unwrap();
    vm.set_register(0, HALT);
    vm
}

fn service() -> Program {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/guest/blobs/service.jam");
    Program::load_as(&std::fs::read(path).unwrap(), Format::Auto, Spec::V0_8_0).unwrap()
}

#[test]
fn host_call() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let mut vm = caller(100);
    vm.set_host_callback(move |machine, func_id| {
        assert_eq!((func_id, machine.host_call(), machine.state()), (5, 5, State::Host));
        counter.fetch_add(1, Ordering::Relaxed);
        if !machine.use_gas(10) {
            return HostResult::OutOfGas;
        }
        machine.set_register(7, u64::MAX);
        HostResult::Continue
    });
    assert_eq!(vm.execute(0), Ok(RunResult::Ok));
    assert_eq!((vm.gas(), vm.register(7), vm.state()), (88, u64::MAX, State::Halt));
    vm.set_gas(5);
    assert_eq!(vm.execute(0), Ok(RunResult::OutOfGas));
    assert_eq!(vm.gas(), 0);
    vm.set_gas(100);
    vm.clear_host_callback();
    assert_eq!(vm.execute(0), Ok(RunResult::HostCall));
    assert_eq!(vm.resume(), Ok(RunResult::Ok));
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    // The closure and what it held are gone.
    assert_eq!(Arc::strong_count(&calls), 1);
}

#[test]
fn panic_in_callback() {
    let mut vm = caller(100);
    vm.set_host_callback(|_, func_id| panic!("no {func_id}"));
    assert_eq!(vm.execute(0), Err(Error::HostPanicked("no 5".to_owned())));
    assert_eq!(vm.state(), State::Panic);
    vm.reset(100).unwrap();
    vm.set_register(0, HALT);
    let mut inner = caller(50);
    vm.set_host_callback(move |_, _| {
        inner.set_host_callback(|_, _| panic!("inner"));
        assert!(matches!(inner.execute(0), Err(Error::HostPanicked(_))));
        HostResult::Continue
    });
    assert_eq!(vm.execute(0), Ok(RunResult::Ok));
}

#[test]
fn memory() {
    let vm = caller(100);
    vm.map_memory(0x20000, pvm::PAGE_SIZE, Access::Write).unwrap();
    vm.write_memory(0x20ffc, b"abcd").unwrap();
    assert_eq!(vm.read_memory(0x20ffb, 5).unwrap(), b"\0abcd");
    assert_eq!(vm.read_memory(0x20000, 0).unwrap(), b"");
    assert!(vm.write_memory(0x20ffd, b"abcd").is_err());
    assert!(vm.read_memory(0x21000, 1).is_err());
    assert!(vm.read_memory(u32::MAX, usize::MAX).is_err());
    assert!(vm.map_memory(0x20001, pvm::PAGE_SIZE, Access::Read).is_err());
    assert_eq!((vm.access(0x20000), vm.access(0x21000)), (Access::Write, Access::None));
}

#[test]
fn errors() {
    for blob in [&b"PVM\0"[..], &b""[..]] {
        let text = Program::load(blob).unwrap_err().to_string();
        assert!(!text.is_empty(), "{text}");
    }
    let program = Program::from_parts(&[0], &[1], &[], Spec::V0_7_2).unwrap();
    assert!(Vm::builder(&program).arguments(b"").build().is_err());
    assert!(Vm::builder(&program).gas(u64::MAX).build().is_err());
    assert!(program.entry("with\0nul").is_none());
    assert!(caller(1).result().is_err());
}

#[test]
fn a_service_on_both_backends() {
    let program = service();
    assert_eq!((program.format(), program.spec(), program.problem()), (Format::Jam, Spec::V0_8_0, None));
    assert_eq!((program.entry("accumulate"), program.entry("nowhere")), (Some(5), None));
    assert_eq!(program.host_call_name(4).as_deref(), Some("read"));
    let run = |backend| {
        let mut vm = Vm::builder(&program).gas(1_000_000_000).backend(backend).build().unwrap();
        assert_eq!(vm.backend(), backend);
        vm.set_host_callback(|machine, _| {
            machine.set_register(7, u64::MAX - 1);
            HostResult::Continue
        });
        assert_eq!(vm.execute(0), Ok(RunResult::Ok));
        (vm.gas(), vm.result().unwrap())
    };
    let interpreted = run(Backend::Interpreter);
    assert!(interpreted.1.len() > 32);
    assert_eq!(interpreted, run(Backend::Recompiler));
}

#[test]
fn threads_share_programs_and_take_machines() {
    let program = service();
    let threads: Vec<_> = (0..8)
        .map(|number: u64| {
            let program = program.clone();
            let mut sent = caller(100);
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let mut vm = Vm::builder(&program).gas(1_000_000).build().unwrap();
                    vm.set_host_callback(|machine, _| {
                        machine.set_register(7, u64::MAX - 1);
                        HostResult::Continue
                    });
                    assert_eq!(vm.execute(0), Ok(RunResult::Ok));
                }
                sent.set_host_callback(move |machine, _| {
                    machine.set_register(7, number);
                    HostResult::Continue
                });
                assert_eq!(sent.execute(0), Ok(RunResult::Ok));
                assert_eq!(sent.register(7), number);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_recording_ends_once() {
    assert!(pvm::record(std::path::Path::new("/nonexistent/run.db")).is_err());
    assert!(pvm::record_end().is_err());
    let path = std::env::temp_dir().join(format!("pvm-rust-{}.db", std::process::id()));
    pvm::record(&path).unwrap();
    assert!(pvm::record(&path).is_err());
    pvm::record_end().unwrap();
    assert!(std::fs::read(&path).unwrap().starts_with(b"SQLite format 3"));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_machine_that_is_sampled_runs_as_ever() {
    let mut vm = caller(100);
    vm.set_host_callback(|_, _| HostResult::Continue);
    assert!(vm.set_sample_rate(0).is_err());
    vm.set_sample_rate(999).unwrap();
    vm.set_instrumentation(pvm::instrument::SAMPLES | pvm::instrument::CALLS).unwrap();
    assert_eq!(vm.execute(0), Ok(RunResult::Ok));
}
