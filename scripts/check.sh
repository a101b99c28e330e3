#!/usr/bin/env bash
# check.sh: formatting, lints, documentation and every test; what CI runs.
# check.sh tests: the tests alone, for programs that are built.
# check.sh hosts NAME: the packages on another release of Debian: debian-13 or debian-sid (root).
# check.sh long [SECONDS]: all of check.sh with ten times the rounds of what is random or is killed at
#   another moment each time, then scripts/check-versions.sh and `check.sh hosts debian-13`, then each fuzz
#   target for SECONDS (60).
#
# As root the tests that need root run too, each in a sandbox of its own. Any other user gets them
# listed as ignored, by name. In CI (CI=true), root runs the tests that need no root a second time as a
# plain user.
#
# Ends at the first step that fails, with its exit status; 2 for wrong usage.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$HOME/.cargo/bin
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
# With SUDO_UID, authyctl shows its hints with sudo.
unset DESTDIR PREFIX PAMDIR SUDO_UID
# Most tests wait for something now and then.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) + 1))}
# bash counts from here; make may have passed its own SECONDS on.
SECONDS=0
is_long=false

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

lint() {
    step cargo fmt --check
    step cargo clippy --locked --all-targets --all-features -- -D warnings
    for features in '' client engine module admin; do
        step cargo clippy --locked --lib --no-default-features --features "$features" -- -D warnings
    done
    step cargo clippy --locked --examples --no-default-features --features client -- -D warnings
    step cargo clippy --locked --bin authy-sim --no-default-features --features sim -- -D warnings
    RUSTDOCFLAGS='-D warnings' step cargo doc --locked --no-deps --all-features --document-private-items
    if cargo deny --version >/dev/null 2>&1; then
        step cargo deny --all-features check bans licenses sources
    fi
    if command -v shellcheck >/dev/null; then
        step shellcheck --severity=warning scripts/*.sh .ci/run packaging/*.sh packaging/*/*.sh packaging/deb/*.p* \
            packaging/alpine/APKBUILD packaging/examples/journald/count-verdicts
        step shellcheck --severity=warning --shell=bash packaging/arch/PKGBUILD
    fi
    if scripts/peers.sh workflow-linters; then
        step scripts/lint-workflows.sh
    else
        echo "skipped, because the linters of workflows are not available: scripts/lint-workflows.sh"
    fi
    if scripts/peers.sh prose; then
        step scripts/lint-prose.sh
    else
        echo "skipped, because codespell and proselint are not available: scripts/lint-prose.sh"
    fi
    if command -v yamllint >/dev/null; then
        step yamllint --config-file packaging/yamllint.yml packaging/examples
    fi
    if command -v puppet-lint >/dev/null; then
        step puppet-lint --fail-on-warnings packaging/examples/puppet/pam_authy.pp
    fi
    if command -v ansible-lint >/dev/null; then
        step ansible-lint --offline --nocolor -q packaging/examples/ansible/pam_authy.yml
    fi
    if command -v nix-instantiate >/dev/null; then
        step nix-instantiate --parse packaging/nix/default.nix >/dev/null
    fi
}

build() {
    step make --no-print-directory product programs
    step cargo test --locked --all-features --lib --bins --tests --no-run
}

# skip_without PROGRAM TESTS…: skips these tests, and prints their names, if PROGRAM is not
# installed.
skip_without() {
    local program=$1 name
    shift
    if ! command -v "$program" >/dev/null; then
        for name in "$@"; do
            echo "skipped, because $program is not installed: $name"
            skipped+=(--skip "$name")
        done
    fi
}

# The integration tests run last, so that the output ends with their count.
tests() {
    local as_root=() skipped=()
    if [ "$(id -u)" -eq 0 ]; then
        as_root=(--include-ignored)
        scripts/peers.sh authy || {
            echo "skipped, because the package authy is not available: every_call_of_the_python_client_works_against_the_simulator"
            as_root+=(--skip every_call_of_the_python_client)
        }
        scripts/peers.sh twilio || {
            echo "skipped, because the package twilio is not available: every_call_of_twilios_python_library_works_against_the_simulator"
            as_root+=(--skip every_call_of_twilios_python_library)
        }
        scripts/peers.sh npm || {
            echo "skipped, because npm or its packages authy and authy-client are not available: every_call_of_the_npm_package_authy_works_against_the_simulator, every_call_of_the_npm_package_authy_client_works_against_the_simulator"
            as_root+=(--skip every_call_of_the_npm_package)
        }
        scripts/peers.sh cyclonedx || {
            echo "skipped, because the package cyclonedx-python-lib is not available: the_lists_of_crates_are_valid_cyclonedx"
            as_root+=(--skip the_lists_of_crates_are_valid)
        }
        scripts/peers.sh ssh-clients || {
            echo "skipped, because paramiko and asyncssh are not available: peers::ssh_clients"
            as_root+=(--skip peers::ssh_clients)
        }
        scripts/peers.sh chromium || {
            echo "skipped, because chromium is not installed: peers::phone"
            as_root+=(--skip peers::phone)
        }
        scripts/peers.sh fail2ban || {
            echo "skipped, because fail2ban is not available: module::fail2ban, the_fail2ban_filter_finds_refused_logins_and_no_forged_address"
            as_root+=(--skip fail2ban)
        }
        scripts/peers.sh ocsf || {
            echo "skipped, because the package ocsf-json-schema is not available: every_event_is_valid_by_the_schema_of_ocsf"
            as_root+=(--skip every_event_is_valid_by_the_schema_of_ocsf)
        }
        scripts/peers.sh prometheus || {
            echo "skipped, because the package prometheus is not available: operations, the tests with promtool"
            as_root+=(--skip promtool)
        }
        scripts/peers.sh ansible || {
            echo "skipped, because ansible-core or python3-apt is not available: packaging::ansible, module::security_keys::ansible"
            as_root+=(--skip packaging::ansible --skip module::security_keys::ansible)
        }
        scripts/peers.sh sk-dummy || {
            echo "skipped, because the package openssh-tests is not available: module::security_keys, packaging::security_keys"
            as_root+=(--skip module::security_keys --skip packaging::security_keys)
        }
        scripts/peers.sh slapd || {
            echo "skipped, because slapd is not available: fleet::hosts, fleet::large, fleet::lists, fleet::page, fleet::people, fleet::servers"
            as_root+=(--skip fleet::hosts --skip fleet::large --skip fleet::lists --skip fleet::page --skip fleet::people --skip fleet::servers)
        }
        scripts/peers.sh doas || {
            echo "skipped, because doas is not available: doas_asks_for_the_password_and_a_code"
            as_root+=(--skip doas_asks_for_the_password)
        }
        scripts/peers.sh debian || {
            echo "skipped, because there is no debootstrap: a_newcomer_gets_to_a_protected_sshd_on_a_bare_debian_by_typing_the_readme"
            as_root+=(--skip a_newcomer_gets_to_a_protected_sshd_on_a_bare_debian)
        }
        scripts/peers.sh programs || {
            echo "skipped, because their packages are not available: service::programs"
            as_root+=(--skip service::programs)
        }
        # Some containers forbid ptrace(2).
        strace -o /dev/null true 2>/dev/null || {
            echo "skipped, since strace may not trace a process here: durability"
            as_root+=(--skip durability::)
        }
    fi
    # `make check-hosts` and `make check-long` run them.
    skipped+=(--skip packaging::other_hosts)
    # Without the settings of the unit: `make check-long` runs the same logins once more. It also has a
    # directory with a hundred thousand people.
    "$is_long" || skipped+=(--skip service::logins --skip fleet::large)
    skip_without dpkg-shlibdeps packaging::deb packaging::newcomer packaging::ansible
    skip_without lintian lintian_finds_no_error_and_no_warning
    skip_without rpmbuild packaging::rpm
    export PAM_AUTHY_SO=$PWD/target/product/pam_authy.so PAM_AUTHYD=$PWD/target/product/pam_authyd
    step cargo test --locked --no-default-features --features client --lib
    step cargo test --locked --no-default-features --features module --lib
    step cargo test --locked --all-features --doc
    step cargo test --locked --no-default-features --features client --doc
    step cargo test --locked --all-features --lib --bins --tests -- "${as_root[@]}" "${skipped[@]}"
}

all() {
    lint
    build
    if [ "${CI-}" = true ] && [ "$(id -u)" -eq 0 ]; then
        step scripts/check-plain.sh
    fi
    tests
}

# has_host NAME: makes another release of Debian; fails where that cannot be, and says so.
has_host() {
    local why
    if [ "$(id -u)" -ne 0 ]; then
        why="they need root"
    elif ! command -v dpkg-shlibdeps >/dev/null; then
        why="dpkg-shlibdeps is not installed"
    elif ! scripts/peers.sh "$1"; then
        why="there is no debootstrap, or no mirror of Debian"
    else
        return 0
    fi
    echo "skipped, because $why: packaging::other_hosts on $1"
    return 1
}

# hosts NAME: the tests on that release, for programs that are built.
hosts() {
    export PAM_AUTHY_SO=$PWD/target/product/pam_authy.so PAM_AUTHYD=$PWD/target/product/pam_authyd
    local without=()
    scripts/peers.sh sk-dummy || {
        echo "skipped, because openssh-tests is not available: security keys on $1"
        without=(--skip says_which_security_key)
    }
    PAM_AUTHY_HOST=$1 step cargo test --locked --all-features --test tests -- --include-ignored \
        packaging::other_hosts "${without[@]}"
}

# fuzz SECONDS: each fuzz target for so long. cargo-fuzz is not installed for it: `make fuzz` does that.
fuzz() {
    local target
    if PATH=$PATH:$PWD/target/tools/bin cargo fuzz --version >/dev/null 2>&1 && command -v c++ >/dev/null; then
        step scripts/fuzz.sh "$1"
    else
        for target in fuzz/targets/*.rs; do
            echo "skipped, since there is no cargo-fuzz or no c++: the fuzz target $(basename "$target" .rs)"
        done
    fi
}

case ${1-} in
    '') all ;;
    tests) tests ;;
    hosts)
        has_host "${2-}" || exit 1
        step make --no-print-directory product programs
        hosts "$2"
        ;;
    long)
        is_long=true
        # tests/common/mod.rs reads the first, proptest the second, whose default is 256.
        export PAM_AUTHY_TEST_ROUNDS=${PAM_AUTHY_TEST_ROUNDS:-10} PROPTEST_CASES=${PROPTEST_CASES:-2560}
        all
        step scripts/check-versions.sh
        if has_host debian-13; then
            hosts debian-13
        fi
        fuzz "${2-60}"
        printf '\n== everything passed, after %d minutes\n' "$((SECONDS / 60))"
        ;;
    *)
        echo "usage: check.sh [tests | hosts NAME | long [SECONDS]]" >&2
        exit 2
        ;;
esac
