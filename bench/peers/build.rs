//! Tells the linker where the program finds libpvm when it runs: the library is built, not installed. And which peer this is.
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=PVM_LIB_DIR");
    println!("cargo:rerun-if-changed=Cargo.lock");
    if let Ok(folder) = env::var("PVM_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock stands beside Cargo.toml");
    let version = lock.split("[[package]]").find(|package| package.contains("name = \"polkavm\"\n"));
    let version = version.and_then(|package| package.split("version = \"").nth(1)?.split('"').next());
    println!("cargo:rustc-env=POLKAVM_VERSION={}", version.expect("Cargo.lock names polkavm"));
}
