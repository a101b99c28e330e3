//! One random host: what is written, what doctor says, and the logins; `show` looks for those that
//! show a problem, `faults` for what does not agree.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;

use serde_json::Value;

use super::accounts::{PEOPLE, Person, authorize, give_password, take_password};
use super::claims::{Finding, Host};
use super::login::{self, Given, Outcome, Through};
use super::policy::Policy;
use super::settings::{ADDRESSES, write_settings};
use super::sshd::{Connection, Server};
use super::stack::{SERVICES, write_all};
use super::sudoers::{COMMANDS, write_rules};
use crate::common::numbers::Numbers;

/// Everything right, each thing wrong, and nothing right; without a key.
pub(super) const TRIES: [Given; 4] = [
    given(false, true, true),
    given(false, true, false),
    given(false, false, true),
    given(false, false, false),
];

const fn given(key: bool, password: bool, code: bool) -> Given {
    Given {
        key,
        password,
        code,
    }
}

/// A random host with what happened on it.
pub(super) struct Round<'a> {
    seed: u64,
    pub(super) host: Host,
    pub(super) server: &'a Server,
    pub(super) has_sshd: bool,
    /// Who has a key in this round.
    pub(super) keys: Vec<&'static str>,
    /// The files, for a reader of a failed test.
    written: String,
    pub(super) logins: Vec<Outcome>,
    pub(super) unshown: Vec<Finding>,
}

impl<'a> Round<'a> {
    /// Makes a host of `seed`, asks doctor and logs in.
    pub(super) fn run(seed: u64, server: &'a mut Server) -> Self {
        let mut numbers = Numbers::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        numbers.below(2);
        let policy = Policy::random(&mut numbers);
        let mut written = policy.write();
        let stacks = write_all(&mut numbers);
        let settings = write_settings(&mut numbers);
        let rules = write_rules(&mut numbers);
        let keys: Vec<_> = PEOPLE
            .iter()
            .map(|person| person.name)
            .filter(|name| *name == "kim" || numbers.chance(60))
            .collect();
        authorize(&server.key().with_extension("pub"), |person| {
            keys.contains(&person.name)
        });
        let passwords: Vec<_> = PEOPLE
            .iter()
            .map(|person| person.name)
            .filter(|name| *name != "kim" || numbers.chance(50))
            .collect();
        let kim = PEOPLE.iter().find(|person| person.name == "kim").unwrap();
        if passwords.contains(&kim.name) {
            give_password(kim);
        } else {
            take_password(kim);
        }
        for stack in &stacks {
            written += &format!("--- {}\n{}", stack.service, stack.text);
        }
        let common = std::fs::read_to_string("/etc/pam.d/common-auth").unwrap();
        written +=
            &format!("--- common-auth\n{common}--- sshd_config\n{settings}--- sudoers\n{rules}");
        let has_sshd = server.restart();
        let mut round = Self {
            seed,
            host: Host {
                findings: doctor(),
                stacks,
                policy,
                has_pam: !settings.contains("UsePAM no"),
                passwords,
                sudoers: rules,
            },
            server,
            has_sshd,
            keys,
            written,
            logins: Vec::new(),
            unshown: Vec::new(),
        };
        round.try_stacks(&mut numbers);
        round.try_sshd(&mut numbers);
        round.try_sudo(&mut numbers);
        round.try_su(&mut numbers);
        round.show_problems();
        round
    }

    /// Logs every person in with everything right, and some people with less.
    fn try_stacks(&mut self, numbers: &mut Numbers) {
        for service in SERVICES {
            let is_copy = self.host.stack(service).is_some_and(|stack| stack.is_copy);
            if is_copy || !self.host.is_protected(service) {
                continue;
            }
            for person in &PEOPLE {
                self.pam(person, TRIES[0], service);
                for given in &TRIES[1..] {
                    if numbers.chance(30) {
                        self.pam(person, *given, service);
                    }
                }
            }
        }
    }

    fn try_sshd(&mut self, numbers: &mut Numbers) {
        for _ in 0..3 {
            let person = &PEOPLE[numbers.below(PEOPLE.len())];
            let address = numbers.pick(&ADDRESSES);
            let connection = Connection::new(address, numbers.pick(&["", "", "LocalPort 2222"]));
            let given = numbers.pick(&TRIES);
            let key = numbers.chance(60);
            self.ssh(person, Given { key, ..given }, &connection);
            self.ssh(person, given_all(), &connection);
        }
    }

    fn try_sudo(&mut self, numbers: &mut Numbers) {
        for _ in 0..3 {
            let person = &PEOPLE[numbers.below(PEOPLE.len() - 1)];
            let command = numbers.pick(&COMMANDS);
            self.sudo(person, numbers.pick(&TRIES), command);
        }
        if self.host.sudoers.contains("_service=") {
            for command in [COMMANDS[0], COMMANDS[2], COMMANDS[4]] {
                let person = &PEOPLE[numbers.below(2)];
                self.sudo(person, TRIES[0], command);
                self.sudo(person, TRIES[1], command);
            }
        }
        // This shows who is asked for nothing, and what a sudoer is asked for.
        self.sudo(
            &PEOPLE[numbers.below(PEOPLE.len() - 1)],
            TRIES[1],
            numbers.pick(&COMMANDS),
        );
    }

    fn try_su(&mut self, numbers: &mut Numbers) {
        for _ in 0..2 {
            // It asks root for nothing.
            let person = &PEOPLE[numbers.below(PEOPLE.len() - 1)];
            let target = &PEOPLE[numbers.below(PEOPLE.len())];
            self.keep(login::su(person, numbers.pick(&TRIES), target));
        }
    }

    pub(super) fn pam(&mut self, person: &'static Person, given: Given, service: &str) -> bool {
        let address = self.host.policy.address().filter(|_| service == "sshd");
        self.keep(login::pam(person, given, service, address))
    }

    /// The same from the address that is exempt, for any service.
    pub(super) fn pam_from_exempt(&mut self, person: &'static Person, service: &str) -> bool {
        let address = self.host.policy.address();
        self.keep(login::pam(person, TRIES[0], service, address))
    }

    pub(super) fn sudo(
        &mut self,
        person: &'static Person,
        given: Given,
        command: &'static str,
    ) -> bool {
        self.keep(login::sudo(person, given, command))
    }

    /// Logs in over ssh; a key that a person does not have is not used.
    pub(super) fn ssh(
        &mut self,
        person: &'static Person,
        given: Given,
        connection: &Connection,
    ) -> bool {
        let key = given.key && self.keys.contains(&person.name);
        let given = Given { key, ..given };
        let is_known = |login: &Outcome| {
            login.through == Through::Sshd
                && login.person.name == person.name
                && login.given == given
                && login.connection.as_ref() == Some(connection)
        };
        if let Some(known) = self.logins.iter().find(|login| is_known(login)) {
            return known.is_in;
        }
        if !self.has_sshd {
            return false;
        }
        let outcome = self.server.log_in(person, given, connection);
        self.keep(outcome)
    }

    fn keep(&mut self, outcome: Outcome) -> bool {
        let is_in = outcome.is_in;
        self.logins.push(outcome);
        is_in
    }

    /// Returns subject and result of each finding, to see that a run has met them all.
    pub(super) fn kinds(&self) -> BTreeSet<(&str, &str)> {
        let findings = self.host.findings.iter();
        let kinds = findings.filter_map(|finding| {
            let subject = finding.name.split(' ').next()?;
            ["pam", "sshd", "sudo"]
                .contains(&subject)
                .then_some((subject, finding.result.as_str()))
        });
        kinds.collect()
    }
}

/// Everything that a person has.
pub(super) fn given_all() -> Given {
    given(true, true, true)
}

/// Runs doctor.
fn doctor() -> Vec<Finding> {
    let output = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .args(["doctor", "--json"])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(Finding::of)
        .collect()
}

impl fmt::Display for Round<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nseed {}; keys: {:?}; passwords: {:?}\n{}",
            self.seed, self.keys, self.host.passwords, self.written
        )?;
        for finding in &self.host.findings {
            writeln!(
                f,
                "{}: {}: {}",
                finding.name, finding.result, finding.message
            )?;
        }
        Ok(())
    }
}
