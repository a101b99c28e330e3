#!/usr/bin/env bash
# check.sh [tests]: what CI runs; with `tests` only the last part, for programs that are built.
#
# As root the tests that need root run too, each in a sandbox of its own; as anyone else they are
# listed as ignored, by name. In CI (CI=true) as root the others run a second time as a plain user.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:$HOME/.cargo/bin
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
unset DESTDIR PREFIX PAMDIR

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

lint() {
    step cargo fmt --check
    step cargo clippy --locked --all-targets --all-features -- -D warnings
    step cargo clippy --locked --lib --no-default-features -- -D warnings
    RUSTDOCFLAGS='-D warnings' step cargo doc --locked --no-deps --all-features --document-private-items
    if cargo deny --version >/dev/null 2>&1; then
        step cargo deny --all-features check bans licenses sources
    fi
    if command -v shellcheck >/dev/null; then
        step shellcheck scripts/*.sh .ci/run
    fi
}

build() {
    step make --no-print-directory product programs
    step cargo test --locked --all-features --lib --bins --tests --no-run
}

# The integration tests come last, so that the output ends with their count.
tests() {
    local as_root=()
    if [ "$(id -u)" -eq 0 ]; then
        as_root=(--include-ignored)
        scripts/peers.sh || {
            echo "skipped, since its package cannot be had: every_call_of_the_python_client_works_against_the_simulator"
            as_root+=(--skip every_call_of_the_python_client)
        }
        if ! command -v chromium-headless-shell chromium chromium-browser >/dev/null; then
            echo "skipped, since chromium is not installed: a_browser_shows_the_phone_where_an_sms_is_read_and_a_click_decides_a_push"
            as_root+=(--skip a_browser_shows_the_phone)
        fi
    fi
    export PAM_AUTHY_SO=$PWD/target/product/pam_authy.so
    step cargo test --locked --no-default-features --lib
    step cargo test --locked --all-features --doc
    step cargo test --locked --all-features --lib --bins --tests -- "${as_root[@]}"
}

case ${1-all} in
    all)
        lint
        build
        if [ "${CI-}" = true ] && [ "$(id -u)" -eq 0 ]; then
            step scripts/check-plain.sh
        fi
        tests
        ;;
    tests) tests ;;
    *)
        echo "usage: check.sh [tests]" >&2
        exit 2
        ;;
esac
