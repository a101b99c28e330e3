//! Logins that show the problems that doctor finds on a random host.

use super::accounts::{PEOPLE, Person, give_key, take_key};
use super::claims::Finding;
use super::login::{Given, Outcome, Through};
use super::round::{Round, TRIES, given_all};
use super::sshd::Connection;
use super::stack::SERVICES;
use super::sudoers::COMMANDS;

impl Round<'_> {
    /// Looks for a login that shows each problem.
    pub(super) fn show_problems(&mut self) {
        let problems: Vec<_> = self
            .host
            .findings
            .iter()
            .filter(|finding| finding.result == "problem")
            .cloned()
            .collect();
        for problem in problems {
            let is_shown = match problem.name.as_str() {
                "sshd" => self.show_sshd(&problem),
                "sudo" => self.show_sudo(&problem),
                name => match name.strip_prefix("pam ") {
                    Some(service) if SERVICES.contains(&service) => {
                        self.show_stack(&problem, service)
                    }
                    _ => true,
                },
            };
            if !is_shown {
                self.unshown.push(problem);
            }
        }
    }

    fn is_shown(&self, from: usize, shows: impl Fn(&Outcome) -> bool) -> bool {
        self.logins.iter().skip(from).any(shows)
    }

    fn show_stack(&mut self, problem: &Finding, service: &str) -> bool {
        let of_service = |login: &Outcome| login.service.as_deref() == Some(service);
        if problem.message.contains("are locked out") {
            return !self.logins.iter().any(|login| {
                of_service(login)
                    && login.through == Through::Libpam
                    && login.is_in
                    && !self.host.needs_factor(login)
            });
        }
        let kinds = [
            "without the second factor",
            "alone is enough",
            "a wrong password",
            "is there twice",
        ];
        if !kinds.iter().any(|kind| problem.message.contains(kind)) {
            // No login succeeds, even with everything right.
            return !self
                .logins
                .iter()
                .any(|login| of_service(login) && login.given.password && login.has_proven());
        }
        let shows = |round: &Self, from: usize| {
            round.is_shown(from, |login| {
                of_service(login) && round.host.shows_stack(problem, login)
            })
        };
        if shows(self, 0) {
            return true;
        }
        PEOPLE.iter().any(|person| {
            TRIES.iter().any(|given| {
                let before = self.logins.len();
                self.pam(person, *given, service);
                shows(self, before)
            })
        })
    }

    fn show_sshd(&mut self, problem: &Finding) -> bool {
        if !self.has_sshd {
            return true;
        }
        let only_key = Given {
            key: true,
            ..TRIES[3]
        };
        let tries = match problem.message.as_str() {
            text if text.contains("alone is enough") => vec![only_key],
            text if text.contains("requires only a code") => vec![TRIES[2]],
            text if text.contains("UsePAM") => vec![only_key, TRIES[1], given_all()],
            _ => vec![given_all()],
        };
        let logins = problem.logins();
        logins.into_iter().any(|(person, connection)| {
            tries.iter().any(|given| {
                if *given == only_key {
                    self.ssh_by_own_key(person, &connection);
                } else {
                    self.ssh(person, *given, &connection);
                }
                let of_both = |login: &Outcome| {
                    login.through == Through::Sshd
                        && login.person.name == person.name
                        && login.connection.as_ref() == Some(&connection)
                };
                self.is_shown(0, |login| {
                    of_both(login) && self.host.shows_sshd(problem, login)
                })
            })
        })
    }

    /// Logs in by a key alone. Everybody can put one into their own account.
    fn ssh_by_own_key(&mut self, person: &'static Person, connection: &Connection) {
        let has_key = self.keys.contains(&person.name);
        let key = self.server.key().with_extension("pub");
        if !has_key {
            give_key(&key, person);
        }
        let given = Given {
            key: true,
            ..TRIES[3]
        };
        let outcome = self.server.log_in(person, given, connection);
        self.logins.push(outcome);
        if !has_key {
            take_key(person);
        }
    }

    fn show_sudo(&mut self, problem: &Finding) -> bool {
        let shows = |round: &Self, from: usize| {
            round.is_shown(from, |login| {
                login.through == Through::Sudo && round.host.shows_sudo(login)
            })
        };
        if shows(self, 0) {
            return true;
        }
        let is_login = problem.message.contains("`sudo -i`");
        let commands = if is_login {
            &COMMANDS[2..3]
        } else {
            &COMMANDS[..2]
        };
        PEOPLE
            .iter()
            .filter(|person| person.is_sudoer && person.name != "root")
            .any(|person| {
                commands.iter().any(|command| {
                    let before = self.logins.len();
                    self.sudo(person, TRIES[1], command);
                    shows(self, before)
                })
            })
    }
}
