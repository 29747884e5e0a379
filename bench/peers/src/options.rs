//! The command line.
use pvm::Spec;
use std::path::PathBuf;

pub const USAGE: &str =
    "usage: bench.sh peers [--quick] [--only GUEST] [--program FILE [--spec 0.7.2|0.8.0]] [--format text|json]
  --program FILE  load this one, too: a .polkavm container, or a raw blob
                  (pvmscope convert SERVICE.jam --to raw -o FILE)
  --spec SPEC     what a raw blob was built for (0.7.2)";

pub struct Options {
    pub blobs: PathBuf,
    pub only: Option<String>,
    pub program: Option<PathBuf>,
    /// Of `program`, where the file does not say.
    pub spec: Spec,
    pub json: bool,
    /// How long one run of a guest should last.
    pub run_ms: f64,
}

pub fn parse(arguments: &[String]) -> Result<Options, String> {
    let blobs = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/guest/blobs"));
    let mut options = Options { blobs, only: None, program: None, spec: Spec::V0_7_2, json: false, run_ms: 3.0 };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        if option == "--quick" {
            options.run_ms = 0.5;
            continue;
        }
        let value = rest.next().map(String::as_str);
        match (option.as_str(), value) {
            ("--only", Some(name)) => options.only = Some(name.to_owned()),
            ("--program", Some(path)) => options.program = Some(path.into()),
            ("--spec", Some("0.7.2")) => options.spec = Spec::V0_7_2,
            ("--spec", Some("0.8.0")) => options.spec = Spec::V0_8_0,
            ("--format", Some("text")) => options.json = false,
            ("--format", Some("json")) => options.json = true,
            (_, None) => return Err(format!("option {option} is unknown or lacks its value")),
            (_, Some(value)) => return Err(format!("{option} {value}: no such option")),
        }
    }
    Ok(options)
}
