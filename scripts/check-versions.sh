#!/usr/bin/env bash
# check-versions.sh: checks that module, engine, authyctl, authy-sim and the client compile with the lowest version of
# each direct dependency that Cargo.toml allows, in target/versions. Cargo.lock stays as it is.
#
# Choosing them is an unstable option of cargo, which RUSTC_BOOTSTRAP allows to a stable one; nothing is compiled with
# it. It needs the registry of crates.
#
# Exit status: 0 all compile, 1 or cargo's otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:$HOME/.cargo/bin
tree=$PWD/target/versions
mkdir -p "$tree"
for entry in *; do
    case $entry in
        target) ;;
        Cargo.*) cp "$entry" "$tree/$entry" ;;
        *) ln -sfn "$PWD/$entry" "$tree/$entry" ;;
    esac
done
cd "$tree"
unset CARGO_TARGET_DIR
RUSTC_BOOTSTRAP=1 cargo update --quiet -Z direct-minimal-versions
check() {
    echo "$*"
    cargo check --quiet --locked --no-default-features "$@"
}
check --lib --features module
check --lib --features client
check --bin pam_authyd --features engine
check --bin authyctl --features admin
check --bin authy-sim --features sim
