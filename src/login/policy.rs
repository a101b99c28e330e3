//! Pure decisions: who needs a second factor, and what holds when Authy could not be asked.
//!
//! Each takes plain values and gives one back, so that `authyctl explain` can ask the very same
//! questions. Nothing here reads a file, a clock or the network.

use std::fmt;

use crate::base::attempt::Attempt;
use crate::base::factor::{Person, Providers, Skipped};
use crate::base::text;
use crate::host::account::Spelling;
use crate::host::ssh_key;
use crate::store::config::{Exempt, Fallback, Subject};
use crate::store::users::{Entry, KeyMismatch};

/// Whose factor is asked: the one who is logged in, or the one who calls. There is no fallback from one
/// to the other. A caller is believed only where the login comes from this host: PAM_RUSER of a remote
/// login is what the other side says.
#[must_use]
pub fn subject(whose: Subject, attempt: &Attempt) -> Option<&str> {
    match whose {
        Subject::User => Some(&attempt.user),
        Subject::Caller => {
            let local = attempt.rhost.is_none() && attempt.address.is_none();
            let caller = attempt.ruser.as_deref().filter(|_| local)?;
            (!text::has_control(caller)).then_some(caller)
        }
    }
}

/// A rule of `[exempt]` that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// The key in `[exempt]`.
    pub key: &'static str,
    /// The value that holds.
    pub value: String,
}

impl fmt::Display for Exemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = text::sanitize_to(&self.value, 64);
        write!(f, "exempt.{} \"{value}\"", self.key)
    }
}

/// The rule of `[exempt]` that spares `subject` a second factor, if one does. No address is in no
/// network. Whose group it is, is looked up last, and only where a group is exempt.
///
/// # Errors
/// The look-up failed: the login is refused.
fn exemption<E>(
    exempt: &Exempt,
    subject: &str,
    attempt: &Attempt,
    group: impl FnOnce(&[String]) -> Result<Option<String>, E>,
) -> Result<Option<Exemption>, E> {
    let rule = |key, value: &dyn fmt::Display| {
        let value = value.to_string();
        Ok(Some(Exemption { key, value }))
    };
    if exempt.services.contains(&attempt.service) {
        return rule("services", &attempt.service);
    }
    if exempt.users.iter().any(|user| user == subject) {
        return rule("users", &subject);
    }
    let network = attempt
        .address
        .and_then(|address| exempt.networks.iter().find(|net| net.contains(address)));
    if let Some(network) = network {
        return rule("networks", network);
    }
    if exempt.groups.is_empty() {
        return Ok(None);
    }
    match group(&exempt.groups)? {
        Some(group) => rule("groups", &group),
        None => Ok(None),
    }
}

/// What a login is asked for, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: a rule of `[exempt]` holds.
    Exempt(Exemption),
    /// Nothing: nobody of that name is enrolled, and that is let pass.
    NotEnrolledAllowed,
    /// A factor of this person.
    Person {
        /// The person, with those factors that this host can check.
        person: Person,
        /// The other factors.
        skipped: Vec<Skipped>,
    },
    /// A factor of nobody's: asked like anyone, and refused.
    Decoy,
    /// Refused at once: the entry names nobody.
    InvalidEntry {
        /// The line of the entry.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// Refused at once: this host can check none of the person's factors.
    NoSupportedFactor(Vec<Skipped>),
    /// Refused at once: an account that several people share, and no key that tells them apart.
    NoMatchingKey(KeyMismatch),
}

/// A login whose need of a second factor is to be decided.
#[derive(Debug, Clone, Copy)]
pub struct RequirementQuery<'a> {
    /// Who knocks.
    pub attempt: &'a Attempt,
    /// Whose factor would be asked, as [`subject`] says.
    pub subject: &'a str,
    /// The table `[exempt]`.
    pub exempt: &'a Exempt,
    /// What becomes of an unenrolled user.
    pub unenrolled: Fallback,
    /// Which factors this host can check.
    pub providers: Providers,
}

impl RequirementQuery<'_> {
    /// What the login is asked for. `group` looks up which of the groups the subject is in, `entry` what
    /// the mapping says of the subject, `spelling` how the account spells the name; each is asked only
    /// where it matters.
    ///
    /// # Errors
    /// A look-up failed: the login is refused.
    pub fn requirement<E>(
        &self,
        group: impl FnOnce(&[String]) -> Result<Option<String>, E>,
        entry: impl FnOnce() -> Result<Entry, E>,
        spelling: impl FnOnce() -> Result<Spelling, E>,
    ) -> Result<Requirement, E> {
        if let Some(rule) = exemption(self.exempt, self.subject, self.attempt, group)? {
            return Ok(Requirement::Exempt(rule));
        }
        Ok(match entry()? {
            Entry::Enrolled(person) => self.supported(&person),
            Entry::Invalid { line, message } => Requirement::InvalidEntry { line, message },
            Entry::Shared(shared) => {
                let auth = self.attempt.ssh_auth.as_deref().unwrap_or_default();
                match shared.person(&ssh_key::fingerprints(auth)) {
                    Ok(person) => self.supported(&person),
                    Err(why) => Requirement::NoMatchingKey(why),
                }
            }
            Entry::Absent if self.unenrolled == Fallback::Deny => Requirement::Decoy,
            Entry::Absent if passes_unenrolled(self.unenrolled, spelling()?) => {
                Requirement::NotEnrolledAllowed
            }
            Entry::Absent => Requirement::Decoy,
        })
    }

    fn supported(&self, person: &Person) -> Requirement {
        let (person, skipped) = person.supported_by(self.providers);
        if person.is_empty() {
            Requirement::NoSupportedFactor(skipped)
        } else {
            Requirement::Person { person, skipped }
        }
    }
}

/// Skipped factors as one text for the log.
#[must_use]
pub fn list(skipped: &[Skipped]) -> String {
    let texts: Vec<_> = skipped.iter().map(Skipped::to_string).collect();
    texts.join("; ")
}

/// Whether somebody passes whose name is not in the valid mapping: only where the configuration says
/// so, and only under the account's own spelling. A name that a directory resolves to somebody else's
/// account might be that somebody, enrolled.
fn passes_unenrolled(fallback: Fallback, spelling: Spelling) -> bool {
    fallback == Fallback::Ignore && spelling != Spelling::Alias
}

/// Whether a verify without a usable answer lets the person pass. `had_full_timeout` says that the login's
/// deadline was not what cut the question short: a person who waits until the last moment must not
/// be able to make an outage.
#[must_use]
pub fn passes_outage(fallback: Fallback, had_full_timeout: bool) -> bool {
    fallback == Fallback::Ignore && had_full_timeout
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::factor::AuthyId;
    use crate::store::users::Shared;

    /// What a login of alice is asked for whose name the mapping answers with `entry`.
    fn requirement(
        entry: &Entry,
        unenrolled: Fallback,
        spelling: Result<Spelling, &'static str>,
    ) -> Result<Requirement, &'static str> {
        let attempt = Attempt {
            user: "alice".into(),
            ..attempt()
        };
        let question = RequirementQuery {
            attempt: &attempt,
            subject: "alice",
            exempt: &Exempt::default(),
            unenrolled,
            providers: Providers { authy: true },
        };
        question.requirement(|_| Ok(None), || Ok(entry.clone()), || spelling)
    }

    fn absent(fallback: Fallback, spelling: Spelling) -> Requirement {
        requirement(&Entry::Absent, fallback, Ok(spelling)).unwrap()
    }

    #[test]
    fn nobody_unenrolled_passes_by_default() {
        for spelling in [Spelling::Own, Spelling::NoAccount, Spelling::Alias] {
            assert_eq!(absent(Fallback::Deny, spelling), Requirement::Decoy);
        }
    }

    #[test]
    fn an_alias_of_an_account_never_passes_as_unenrolled() {
        let ignore = Fallback::Ignore;
        assert_eq!(absent(ignore, Spelling::Alias), Requirement::Decoy);
        assert_eq!(
            absent(ignore, Spelling::Own),
            Requirement::NotEnrolledAllowed
        );
        assert_eq!(
            absent(ignore, Spelling::NoAccount),
            Requirement::NotEnrolledAllowed
        );
    }

    #[test]
    fn an_entry_never_passes_whatever_it_says() {
        let person = Person::from(AuthyId::try_from(1_u64).unwrap());
        let asked = Requirement::Person {
            person: person.clone(),
            skipped: vec![],
        };
        let unusable = Entry::Invalid {
            line: 1,
            message: String::new(),
        };
        let shared = Entry::Shared(Shared {
            keys: [(KEY.parse().unwrap(), person.clone())].into(),
            push: None,
        });
        let ask = |entry| requirement(&entry, Fallback::Ignore, Ok(Spelling::Own)).unwrap();
        assert_eq!(ask(Entry::Enrolled(person)), asked);
        assert!(matches!(ask(unusable), Requirement::InvalidEntry { .. }));
        assert_eq!(ask(shared), Requirement::NoMatchingKey(KeyMismatch::None));
    }

    const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

    #[test]
    fn a_person_without_a_factor_that_this_host_can_check_is_refused() {
        let person = Person {
            totp: Some("alice".into()),
            ..Person::default()
        };
        let ask = |person| {
            let entry = Entry::Enrolled(person);
            requirement(&entry, Fallback::Ignore, Ok(Spelling::Own)).unwrap()
        };
        let skipped = person.supported_by(Providers { authy: true }).1;
        let refused = Requirement::NoSupportedFactor(skipped.clone());
        assert_eq!(ask(person.clone()), refused);
        let both = Person {
            authy_id: Some("1".parse().unwrap()),
            ..person
        };
        let asked = Requirement::Person {
            person: Person::from(AuthyId::try_from(1_u64).unwrap()),
            skipped,
        };
        assert_eq!(ask(both), asked);
    }

    #[test]
    fn a_failed_look_up_is_no_pass() {
        let failed = requirement(&Entry::Absent, Fallback::Ignore, Err("down"));
        assert_eq!(failed, Err("down"));
    }

    #[test]
    fn an_outage_passes_only_when_configured_and_within_the_deadline() {
        assert!(passes_outage(Fallback::Ignore, true));
        assert!(!passes_outage(Fallback::Ignore, false));
        assert!(!passes_outage(Fallback::Deny, true));
    }

    fn attempt() -> Attempt {
        Attempt {
            user: "root".into(),
            service: "su".into(),
            rhost: None,
            tty: None,
            ruser: Some("alice".into()),
            address: None,
            ssh_auth: None,
            password: None,
        }
    }

    #[test]
    fn the_caller_is_asked_only_where_that_is_said_and_never_in_place_of_nobody() {
        assert_eq!(subject(Subject::User, &attempt()), Some("root"));
        assert_eq!(subject(Subject::Caller, &attempt()), Some("alice"));
        let nobody = Attempt {
            ruser: None,
            ..attempt()
        };
        assert_eq!(subject(Subject::Caller, &nobody), None);
        let remote = Attempt {
            rhost: Some("host.example".into()),
            ..attempt()
        };
        assert_eq!(subject(Subject::Caller, &remote), None);
    }

    fn exempt() -> Exempt {
        Exempt {
            users: vec!["backup".into()],
            groups: vec!["robots".into()],
            services: vec!["cron".into()],
            networks: vec!["192.0.2.0/24".parse().unwrap()],
        }
    }

    fn rule(subject: &str, attempt: &Attempt, group: Option<&str>) -> Option<String> {
        let group = group.map(str::to_owned);
        exemption(&exempt(), subject, attempt, |_| Ok::<_, ()>(group))
            .unwrap()
            .map(|rule| rule.to_string())
    }

    #[test]
    fn each_rule_alone_exempts_and_is_named() {
        let none = attempt();
        assert_eq!(rule("alice", &none, None), None);
        let named = |text: &str| Some(text.to_owned());
        assert_eq!(
            rule("backup", &none, None),
            named("exempt.users \"backup\"")
        );
        assert_eq!(
            rule("alice", &none, Some("robots")),
            named("exempt.groups \"robots\"")
        );
        let cron = Attempt {
            service: "cron".into(),
            ..attempt()
        };
        assert_eq!(
            rule("alice", &cron, None),
            named("exempt.services \"cron\"")
        );
        let near = Attempt {
            address: Some("192.0.2.9".parse().unwrap()),
            ..attempt()
        };
        assert_eq!(
            rule("alice", &near, None),
            named("exempt.networks \"192.0.2.0/24\"")
        );
    }

    #[test]
    fn a_host_name_or_no_address_is_never_in_an_exempt_network() {
        let everywhere = Exempt {
            networks: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
            ..Exempt::default()
        };
        let named = Attempt {
            rhost: Some("192.0.2.9.example".into()),
            ..attempt()
        };
        for attempt in [attempt(), named] {
            let rule = exemption(&everywhere, "alice", &attempt, |_| Ok::<_, ()>(None));
            assert_eq!(rule, Ok(None));
        }
    }

    #[test]
    fn a_failed_group_look_up_is_no_exemption() {
        let failed = exemption(&exempt(), "alice", &attempt(), |_| Err("down"));
        assert_eq!(failed, Err("down"));
    }
}
