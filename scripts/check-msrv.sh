#!/usr/bin/env bash
# check-msrv.sh: checks that module, engine, authyctl, authy-sim and the client compile with the lowest Rust that
# Cargo.toml allows (rust-version), in target/msrv. It installs that toolchain by rustup.
#
# Without it, clippy warns of what is newer in the standard library, and a test of crates that need a newer Rust.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:$HOME/.cargo/bin
version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
rustup toolchain install --profile minimal "$version"
check() {
    echo "$*"
    cargo "+$version" check --quiet --locked --no-default-features --target-dir target/msrv "$@"
}
check --lib --features module
check --lib --features client
check --bin pam_authyd --features engine
check --bin authyctl --features admin
check --bin authy-sim --features sim
