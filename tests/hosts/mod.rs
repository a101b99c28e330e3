//! Random hosts: stacks, settings of sshd, rules of sudo and a policy, what doctor says of them,
//! and real logins through sshd, sudo, su and libpam.
//!
//! No login contradicts an "ok" of doctor about a stack, sshd or sudo, and each such problem is
//! shown by one. A failed round names its seed; `PAM_AUTHY_TEST_SEED` runs one round with that
//! seed.

mod accounts;
mod askpass;
mod claims;
mod faults;
mod login;
mod policy;
mod round;
mod settings;
mod show;
mod sshd;
mod stack;
mod sudoers;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use self::round::Round;
use self::sshd::Server;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::{install, install_engine, product, rounds};

const SEED: u64 = 20_261_127;

/// Installs module, engine and authyctl where packages put them.
fn install_all() {
    let folder = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/pamdir.sh"))
        .output()
        .unwrap();
    let folder = String::from_utf8(folder.stdout).unwrap();
    let module = Path::new(folder.trim()).join("pam_authy.so");
    install(&product(), &module, 0o644);
    install_engine();
}

#[test]
#[ignore = "needs root"]
fn no_login_contradicts_doctor_on_a_random_host_and_each_problem_is_shown_by_one() {
    sandboxed!();
    install_all();
    accounts::make();
    stack::make_lists();
    let mut server = Server::new();
    let only = std::env::var("PAM_AUTHY_TEST_SEED");
    let seeds: Vec<u64> = match only {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..rounds(20))
            .map(|round| SEED + u64::from(round))
            .collect(),
    };
    let mut kinds = BTreeSet::new();
    check_rows(&seeds, |seed| {
        let mut round = Round::run(*seed, &mut server);
        for (subject, result) in round.kinds() {
            kinds.insert(format!("{subject}: {result}"));
        }
        let faults = round.faults();
        assert!(faults.is_empty(), "{}{round}", faults.join("\n"));
    });
    if seeds.len() > 1 {
        let wanted = [
            "pam: ok",
            "pam: problem",
            "sshd: ok",
            "sshd: problem",
            "sudo: ok",
            "sudo: problem",
        ];
        check_rows(wanted, |kind| assert!(kinds.contains(kind), "{kinds:?}"));
    }
}
