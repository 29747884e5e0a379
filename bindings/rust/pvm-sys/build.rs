//! Finds libpvm: in the folder that PVM_LIB_DIR names, else by pkg-config.
use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-env-changed=PVM_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let folder = env::var("PVM_LIB_DIR").unwrap_or_else(|_| {
        let asked = Command::new("pkg-config").args(["--variable=libdir", "pvm"]).output();
        match asked {
            Ok(answer) if answer.status.success() => String::from_utf8_lossy(&answer.stdout).trim().to_owned(),
            _ => panic!("libpvm not found: install it, set PKG_CONFIG_PATH to the folder of pvm.pc, or PVM_LIB_DIR"),
        }
    });
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-lib=dylib=pvm");
}
