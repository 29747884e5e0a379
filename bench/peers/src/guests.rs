//! Programs to measure with: the guests, a file of the user's, and one that calls the host and does nothing else.
use crate::options::Options;
use pvm::Spec;
use std::{fs, path::Path, sync::Arc};

/// Both gas models: container suffix, name.
pub const SPECS: [(Spec, &str, &str); 2] = [(Spec::V0_7_2, "-0.7.2", "0.7.2"), (Spec::V0_8_0, "", "0.8.0")];

pub struct Subject {
    pub name: String,
    pub spec: Spec,
    pub bytes: Arc<[u8]>,
    /// A `.polkavm` container, else a raw blob: jump table, code, bitmask.
    pub is_container: bool,
}

impl Subject {
    pub fn spec_name(&self) -> &'static str {
        SPECS.iter().find(|spec| spec.0 == self.spec).map_or("", |spec| spec.2)
    }

    fn read(name: &str, path: &Path, spec: Spec) -> Result<Self, String> {
        let bytes: Arc<[u8]> = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?.into();
        let is_container = bytes.starts_with(b"PVM\0");
        Ok(Self { name: name.to_owned(), spec, bytes, is_container })
    }

    pub fn guest(options: &Options, name: &str, (spec, suffix, _): (Spec, &str, &str)) -> Result<Self, String> {
        Self::read(name, &options.blobs.join(format!("{name}{suffix}.polkavm")), spec)
    }

    /// The file of --program; a container says its spec itself.
    pub fn file(path: &Path, spec: Spec) -> Result<Self, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut subject = Self::read(&name, path, spec)?;
        if subject.is_container {
            let program = pvm::Program::load(&subject.bytes);
            subject.spec = program.map_err(|error| format!("{}: {error}", path.display()))?.spec();
        }
        Ok(subject)
    }

    /// `ecalli 1` eight times, and a jump back: as bench/host_calls.c.
    pub fn host_calls() -> Self {
        let mut raw = vec![0, 0, 18];
        raw.extend([10, 1].repeat(8));
        raw.extend([40, 240, 0x55, 0x55, 0x01]);
        Self { name: "host calls".to_owned(), spec: Spec::V0_8_0, bytes: raw.into(), is_container: false }
    }
}

/// Names in the list that the guests are built from, or the one of --only.
pub fn names(options: &Options) -> Result<Vec<&'static str>, String> {
    let list = include_str!("../../../examples/guest/guests.def");
    let lines = list.lines().filter_map(|line| line.strip_prefix("PVM_GUEST(")?.split(',').next());
    let wanted: Vec<_> = lines.filter(|name| options.only.as_deref().is_none_or(|only| only == *name)).collect();
    match wanted.is_empty() {
        true => Err(format!("--only {}: no such guest", options.only.as_deref().unwrap_or_default())),
        false => Ok(wanted),
    }
}
