# The Rust crates: tests, documentation's examples, and what must not compile.
. "$(dirname "$0")/lib.sh"
needs cargo cargo
CARGO_TARGET_DIR=$folder/target
export CARGO_TARGET_DIR
cd "$source/bindings/rust"
cargo test --quiet --offline --workspace
