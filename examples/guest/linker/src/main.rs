//! Links a RISC-V ELF file into a `.polkavm` container, in the opcode numbering asked for.
//!
//! A front end of the published `polkavm-linker` crate, which does all the work. It exists because the
//! guests are needed in two numberings (Gray Paper 0.7.2 and 0.8.0), and some in PolkaVM's own. Debug information is kept.

use polkavm_linker::{program_from_elf, Config, TargetInstructionSet};
use std::process::ExitCode;

const USAGE: &str = "usage: pvm-guest-linker 0.7.2|0.8.0|latest64 INPUT.elf OUTPUT.polkavm [EXPORT,EXPORT...]
  the exports named last get a jump each, 5 bytes long, at pc 0, 5, 10 ...";

fn instruction_set(spec: &str) -> Option<TargetInstructionSet> {
    match spec {
        "0.7.2" => Some(TargetInstructionSet::ReviveV1),
        "0.8.0" => Some(TargetInstructionSet::JamV1),
        "latest64" => Some(TargetInstructionSet::Latest),
        _ => None,
    }
}

fn link(spec: &str, input: &str, output: &str, dispatch: Option<&str>) -> Result<(), String> {
    let target = instruction_set(spec).ok_or_else(|| format!("unknown version '{spec}'\n{USAGE}"))?;
    let elf = std::fs::read(input).map_err(|error| format!("{input}: {error}"))?;

    let mut config = Config::default();
    config.set_strip(false);
    if let Some(names) = dispatch {
        config.set_dispatch_table(names.split(',').map(|name| name.as_bytes().to_vec()).collect());
    }

    let blob = program_from_elf(config, target, &elf).map_err(|error| format!("{input}: {error}"))?;
    std::fs::write(output, blob).map_err(|error| format!("{output}: {error}"))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        [spec, input, output] => link(spec, input, output, None),
        [spec, input, output, dispatch] => link(spec, input, output, Some(dispatch)),
        _ => Err(USAGE.to_string()),
    };

    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("pvm-guest-linker: {message}");
            ExitCode::FAILURE
        }
    }
}
