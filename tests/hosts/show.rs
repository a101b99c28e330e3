//! Logins that show the problems that doctor finds on a random host.

use std::iter;

use super::accounts::{PEOPLE, Person, give_key, take_key};
use super::claims::Finding;
use super::login::{Given, Outcome, Through};
use super::policy::Policy;
use super::round::{Round, TRIES, given_all};
use super::sshd::Connection;
use super::stack::{Lists, SERVICES, USUAL};
use super::sudoers::COMMANDS;

/// How doctor begins to say that sshd does not start.
pub(super) const NOT_STARTED: &str = "sshd -T: ";
const ONLY_KEY: Given = Given {
    key: true,
    ..TRIES[3]
};

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
                name => {
                    let of_name = |service: &&&str| name == format!("pam {service}");
                    let service = SERVICES.iter().find(of_name);
                    service.is_none_or(|service| self.show_stack(&problem, service))
                }
            };
            if !is_shown {
                self.unshown.push(problem);
            }
        }
    }

    fn is_shown(&self, from: usize, shows: impl Fn(&Outcome) -> bool) -> bool {
        self.logins.iter().skip(from).any(shows)
    }

    fn show_stack(&mut self, problem: &Finding, service: &'static str) -> bool {
        let of_service = |login: &Outcome| login.service.as_deref() == Some(service);
        if problem.message.contains("are locked out") {
            return self.show_locked_out(service);
        }
        let kinds = [
            "without the second factor",
            "alone is enough",
            "a wrong password",
            "is there twice",
        ];
        if !kinds.iter().any(|kind| problem.message.contains(kind)) {
            // No login succeeds, even with everything right.
            for person in &PEOPLE {
                self.pam(person, TRIES[0], service);
            }
            return !self.logins.iter().any(|login| {
                let has_password = login.given.password && self.host.has_password(login.subject());
                of_service(login) && has_password && login.has_proven()
            });
        }
        let shows = |round: &Self, from: usize| {
            round.is_shown(from, |login| {
                of_service(login) && round.host.shows_stack(problem, login)
            })
        };
        if shows(self, 0) {
            return true;
        }
        let policy = if problem.message.contains("who need no factor") {
            Policy::exempting(service)
        } else {
            Policy::default()
        };
        let tries = match problem.message.as_str() {
            text if text.contains("without the second factor") => [TRIES[1], TRIES[3]],
            text if text.contains("is there twice") => [TRIES[0], TRIES[2]],
            _ => [TRIES[2], TRIES[3]],
        };
        self.elsewhere(service, policy, |round| {
            PEOPLE.iter().any(|person| {
                tries.iter().any(|given| {
                    let before = round.logins.len();
                    round.pam(person, *given, service);
                    shows(round, before)
                })
            })
        })
    }

    /// Whether a person who has everything gets in with this policy, and some content of the lists.
    pub(super) fn gets_in_elsewhere(&mut self, service: &'static str, policy: Policy) -> bool {
        self.elsewhere(service, policy, |round| {
            PEOPLE.iter().any(|person| {
                round.host.has_password(person) && round.pam(person, TRIES[0], service)
            })
        })
    }

    /// Whether something is so with this policy and some content of the lists. What doctor says of
    /// a stack is about its lines, and not about who is on a list or exempt today.
    fn elsewhere(
        &mut self,
        service: &'static str,
        policy: Policy,
        is_so: impl Fn(&mut Self) -> bool,
    ) -> bool {
        let stack = self.host.stack(service);
        let stack = stack.map_or_else(String::new, |stack| stack.text.clone());
        policy.write();
        let own = std::mem::replace(&mut self.host.policy, policy);
        let count = self.logins.len();
        let mut lists = iter::once(USUAL).chain(Lists::others(&stack));
        let found = lists.any(|lists| {
            lists.write();
            is_so(self)
        });
        self.logins.truncate(count);
        USUAL.write();
        own.write();
        self.host.policy = own;
        found
    }

    /// Whether the people who need no factor are all refused, even with everything right.
    fn show_locked_out(&mut self, service: &str) -> bool {
        let from = self.logins.len();
        for person in &PEOPLE {
            self.pam_from_exempt(person, service);
        }
        let tried = self.logins.iter().skip(from);
        let mut free = tried
            .filter(|login| self.host.has_password(login.person) && !self.host.needs_factor(login));
        let is_any = free.clone().next().is_some();
        is_any && !free.any(|login| login.is_in)
    }

    fn show_sshd(&mut self, problem: &Finding) -> bool {
        if !self.has_sshd || problem.message.starts_with(NOT_STARTED) {
            return !self.has_sshd && problem.message.starts_with(NOT_STARTED);
        }
        let is_closed = problem.message.contains("nobody gets in");
        let tries = match problem.message.as_str() {
            text if text.contains("without any proof") => vec![TRIES[3]],
            text if text.contains("alone is enough") => vec![ONLY_KEY],
            text if text.contains("requires only a code") => vec![TRIES[2]],
            text if text.contains("UsePAM") => vec![ONLY_KEY, TRIES[1], given_all()],
            _ => vec![given_all()],
        };
        let logins = problem.logins();
        logins.into_iter().any(|(person, connection)| {
            tries.iter().any(|given| {
                if *given == ONLY_KEY || is_closed {
                    self.ssh_by_own_key(person, *given, &connection);
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

    /// Logs in with a key, too. Every user can put one into their own account.
    fn ssh_by_own_key(&mut self, person: &'static Person, given: Given, connection: &Connection) {
        let has_key = self.keys.contains(&person.name);
        let key = self.server.key().with_extension("pub");
        if !has_key {
            give_key(&key, person);
        }
        let outcome = self.server.log_in(person, given, connection);
        self.logins.push(outcome);
        if !has_key {
            take_key(person);
        }
    }

    fn show_sudo(&mut self, problem: &Finding) -> bool {
        let commands: Vec<_> = match problem.message.as_str() {
            text if text.contains("`sudo -i`") => COMMANDS[2..3].to_vec(),
            text if text.contains("`sudo -A`") => COMMANDS[4..].to_vec(),
            _ => COMMANDS[..2].to_vec(),
        };
        if problem.message.contains("lets nobody in") {
            return self.show_closed_sudo(problem, &commands);
        }
        let shows = |round: &Self, from: usize| {
            round.is_shown(from, |login| {
                login.through == Through::Sudo && round.host.shows_sudo(login)
            })
        };
        if shows(self, 0) {
            return true;
        }
        self.sudoers().into_iter().any(|person| {
            commands.iter().any(|command| {
                let before = self.logins.len();
                self.sudo(person, TRIES[1], command);
                shows(self, before)
            })
        })
    }

    /// A person is refused with everything right, and no login comes through the stack.
    fn show_closed_sudo(&mut self, problem: &Finding, commands: &[&'static str]) -> bool {
        let is_refused = self.sudoers().into_iter().any(|person| {
            commands.iter().any(|command| {
                !self.sudo(person, TRIES[0], command)
                    && self.logins.last().is_some_and(|login| !login.is_barred)
            })
        });
        let (_, stack) = problem.message.rsplit_once("the stack ").unwrap();
        let service = stack.split(',').next();
        is_refused
            && !self.logins.iter().any(|login| {
                login.through == Through::Sudo && login.is_in && login.service.as_deref() == service
            })
    }

    /// Who may use sudo, and is asked by it.
    fn sudoers(&self) -> Vec<&'static Person> {
        let sudoers = PEOPLE.iter().filter(|person| self.host.is_sudoer(person));
        sudoers.filter(|person| person.name != "root").collect()
    }
}
