//! The vectors that every binding carries out; tests/conformance/README.md tells what the directives are.
use pvm::{Access, Backend, HostResult, Program, RunResult, Spec, Vm};
use std::{
    collections::VecDeque,
    fmt::Write,
    sync::{Arc, Mutex},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/conformance/");

struct Driver {
    prefix: String,
    backend_name: &'static str,
    backend: Backend,
    program: Option<Program>,
    vm: Option<Vm>,
    answers: Arc<Mutex<VecDeque<(HostResult, i64, usize, u64)>>>,
    out: Arc<Mutex<String>>,
}

fn number(word: &str) -> u64 {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => word.parse(),
    }
    .unwrap()
}

fn octets(word: &str) -> Vec<u8> {
    (0..word.len()).step_by(2).map(|at| u8::from_str_radix(&word[at..at + 2], 16).unwrap()).collect()
}

impl Driver {
    fn put(&self, text: &str) {
        writeln!(self.out.lock().unwrap(), "{} {text}", self.prefix).unwrap();
    }

    fn vm(&mut self) -> &mut Vm {
        self.vm.as_mut().unwrap()
    }

    fn add_answer(&mut self, words: &[&str]) {
        let result = match words[1] {
            "continue" => HostResult::Continue,
            "terminate" => HostResult::Terminate,
            "error" => HostResult::Error,
            "yield" => HostResult::Yield,
            _ => HostResult::OutOfGas,
        };
        let answer = (result, number(words[2]) as i64, number(words[3]) as usize, number(words[4]));
        self.answers.lock().unwrap().push_back(answer);
        let (answers, out, prefix) = (self.answers.clone(), self.out.clone(), self.prefix.clone());
        self.vm().set_host_callback(move |machine, func_id| {
            let line = format!("{prefix} host {func_id} pc={} gas={}\n", machine.pc(), machine.gas());
            out.lock().unwrap().push_str(&line);
            match answers.lock().unwrap().pop_front() {
                None => HostResult::Yield,
                Some((result, price, register, value)) => {
                    machine.set_gas(machine.gas() - price);
                    machine.set_register(register, value);
                    result
                }
            }
        });
    }

    fn run(&mut self, verb: &str, entry: u32) {
        let vm = self.vm();
        let result = match verb {
            "execute" => vm.execute(entry),
            "resume" => vm.resume(),
            _ => vm.step(),
        };
        let name = match result {
            Ok(RunResult::Ok) => "halt",
            Ok(RunResult::OutOfGas) => "oog",
            Ok(RunResult::Panic) => "panic",
            Ok(RunResult::HostCall) => "host",
            Ok(RunResult::Fault) => "fault",
            Err(_) => "error",
        };
        let registers: Vec<String> = vm.registers().iter().map(|value| format!("{value:x}")).collect();
        let line = format!(
            "{verb} {name} pc={} gas={} fault={:#x} call={} regs={}",
            vm.pc(),
            vm.gas(),
            vm.fault_address(),
            vm.host_call(),
            registers.join(",")
        );
        self.put(&line);
    }

    fn carry_out(&mut self, words: &[&str]) {
        match words[0] {
            "case" => {
                let spec = match words[2] {
                    "0.7.2" => Spec::V0_7_2,
                    "0.8.0" => Spec::V0_8_0,
                    _ => Spec::Latest64,
                };
                let jumps: Vec<u32> = match words[5] {
                    "-" => Vec::new(),
                    list => list.split(',').map(|word| number(word) as u32).collect(),
                };
                self.prefix = format!("{}/{} {}", words[1], words[2], self.backend_name);
                self.program = Some(Program::from_parts(&octets(words[3]), &octets(words[4]), &jumps, spec).unwrap());
            }
            "new" => {
                let builder = Vm::builder(self.program.as_ref().unwrap()).gas(number(words[1])).backend(self.backend);
                self.vm = Some(builder.build().unwrap());
                self.answers.lock().unwrap().clear();
            }
            "reg" => self.vm().set_register(number(words[1]) as usize, number(words[2])),
            "gas" => self.vm().set_gas(number(words[1]) as i64),
            "pc" => self.vm().set_pc(number(words[1]) as u32).unwrap(),
            "page" => {
                let access = match words[3] {
                    "none" => Access::None,
                    "read" => Access::Read,
                    _ => Access::Write,
                };
                if self.vm().map_memory(number(words[1]) as u32, number(words[2]), access).is_err() {
                    self.put("page error");
                }
            }
            "write" => {
                if self.vm().write_memory(number(words[1]) as u32, &octets(words[2])).is_err() {
                    self.put("write error");
                }
            }
            "read" => {
                let address = number(words[1]) as u32;
                let text = match self.vm().read_memory(address, number(words[2]) as usize) {
                    Ok(data) => data.iter().map(|octet| format!("{octet:02x}")).collect(),
                    Err(_) => "error".to_owned(),
                };
                self.put(&format!("read {address:#x} {text}"));
            }
            "host" => self.add_answer(words),
            verb => self.run(verb, words.get(1).map_or(0, |word| number(word) as u32)),
        }
    }
}

#[test]
fn vectors() {
    let vectors = std::fs::read_to_string(format!("{FOLDER}vectors.txt")).unwrap();
    let expected = std::fs::read_to_string(format!("{FOLDER}expected.txt")).unwrap();
    let out = Arc::new(Mutex::new(String::new()));
    for (backend_name, backend) in [("interpreter", Backend::Interpreter), ("recompiler", Backend::Recompiler)] {
        let mut driver = Driver {
            prefix: String::new(),
            backend_name,
            backend,
            program: None,
            vm: None,
            answers: Arc::default(),
            out: out.clone(),
        };
        for line in vectors.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if !words.is_empty() && words[0] != "#" {
                driver.carry_out(&words);
            }
        }
    }
    let got = out.lock().unwrap();
    for (number, (got, expected)) in got.lines().zip(expected.lines()).enumerate() {
        assert_eq!(got, expected, "line {}", number + 1);
    }
    assert_eq!(got.lines().count(), expected.lines().count());
}
