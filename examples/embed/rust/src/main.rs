//! A host in Rust: the example service on a store of keys and values in memory. The same in four languages: ../README.md.
//!
//!     cargo run -- service.jam [ROUNDS]
use pvm::{Format, HostResult, Machine, Program, RunResult, Spec, Vm};
use std::{collections::HashMap, env, error::Error, fs, process::exit, sync::Arc, sync::Mutex};

const GAS: i32 = 0;
const READ: i32 = 4;
const WRITE: i32 = 5;
const ACCUMULATE_PC: u32 = 5;
const PRICE: i64 = 10;
const NONE: u64 = u64::MAX;
const WHAT: u64 = u64::MAX - 1;
const GAS_AT_START: u64 = 1_000_000_000;

type Store = HashMap<Vec<u8>, Vec<u8>>;

/// Key at r8, r9 octets; its value from octet r11 on to r10, at most r12. Answers the value's length.
fn on_read(machine: &Machine, store: &Store) -> Result<u64, pvm::Error> {
    let r = machine.registers();
    let Some(value) = store.get(&machine.read_memory(r[8] as u32, r[9] as usize)?) else {
        return Ok(NONE);
    };
    let rest = &value[value.len().min(r[11] as usize)..];
    machine.write_memory(r[10] as u32, &rest[..rest.len().min(r[12] as usize)])?;
    Ok(value.len() as u64)
}

/// Key at r7, r8 octets; value at r9, r10 octets, none to delete. Answers the length of the old value.
fn on_write(machine: &Machine, store: &mut Store) -> Result<u64, pvm::Error> {
    let r = machine.registers();
    let key = machine.read_memory(r[7] as u32, r[8] as usize)?;
    let value = machine.read_memory(r[9] as u32, r[10] as usize)?;
    let old = store.remove(&key);
    if !value.is_empty() {
        store.insert(key, value);
    }
    Ok(old.map_or(NONE, |old| old.len() as u64))
}

fn on_host_call(machine: &Machine, func_id: i32, store: &mut Store) -> HostResult {
    if !machine.use_gas(PRICE) {
        return HostResult::OutOfGas;
    }
    let answer = match func_id {
        GAS => Ok(machine.gas() as u64),
        READ => on_read(machine, store),
        WRITE => on_write(machine, store),
        _ => Ok(WHAT),
    };
    match answer {
        Ok(answer) => machine.set_register(7, answer),
        Err(_) => return HostResult::Error, // memory that the guest itself cannot access
    }
    HostResult::Continue
}

fn run(path: &str, rounds: u64) -> Result<(), Box<dyn Error>> {
    let store = Arc::new(Mutex::new(Store::new()));
    let program = Program::load_as(&fs::read(path)?, Format::Jam, Spec::V0_8_0)?;
    let mut vm = Vm::builder(&program).service(7).gas(GAS_AT_START).build()?;
    let shared = Arc::clone(&store);
    vm.set_host_callback(move |machine, func_id| on_host_call(machine, func_id, &mut shared.lock().unwrap()));
    let mut result = RunResult::Ok;
    for _ in 0..rounds {
        vm.reset(GAS_AT_START)?;
        result = vm.execute(ACCUMULATE_PC)?;
        if result != RunResult::Ok {
            break;
        }
    }
    let store = store.lock().unwrap();
    let used = GAS_AT_START as i64 - vm.gas();
    let answer: String = vm.result()?.iter().map(|octet| format!("{octet:02x}")).collect();
    println!("result {}, gas used {used}", result as i32);
    println!("store {} keys, {} octets", store.len(), store.values().map(Vec::len).sum::<usize>());
    println!("answer {answer}");
    Ok(())
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let rounds = arguments.get(2).map_or(Some(1), |text| text.parse().ok());
    let (Some(path), Some(rounds)) = (arguments.get(1), rounds) else {
        eprintln!("usage: host service.jam [ROUNDS]");
        exit(2);
    };
    if let Err(error) = run(path, rounds) {
        eprintln!("{path}: {error}");
        exit(3);
    }
}
