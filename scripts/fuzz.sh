#!/usr/bin/env bash
# fuzz.sh [SECONDS [TARGET…]]: runs each fuzz target for SECONDS, by default for 60.
#
# Needs cargo-fuzz (installed into target/tools if it is missing) and a C++ compiler for libFuzzer.
# The sanitizers are unstable options of rustc, so RUSTC_BOOTSTRAP makes a stable rustc accept them.
# Newly found inputs go into target/fuzz-corpus. A failing input goes into fuzz/artifacts and ends
# the script.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:$HOME/.cargo/bin:$PWD/target/tools/bin
seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in fuzz/targets/*.rs; do
        targets+=("$(basename "$file" .rs)")
    done
fi

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "installing cargo-fuzz into target/tools" >&2
    cargo install --locked --quiet --root target/tools cargo-fuzz
fi
command -v c++ >/dev/null || {
    echo "c++ is missing: libFuzzer is written in C++ (Debian: g++, Fedora: gcc-c++)" >&2
    exit 2
}

export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
    mkdir -p "target/fuzz-corpus/$target"
    printf '\n== %s, %s seconds\n' "$target" "$seconds"
    cargo fuzz run "$target" "target/fuzz-corpus/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=8192 -print_final_stats=1 -verbosity=0
done
