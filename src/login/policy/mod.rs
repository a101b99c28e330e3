//! Pure decisions: whether a login needs a second factor, whose, and what an outage means.
//!
//! Each function takes plain values and returns one, so that `authyctl explain` and `doctor` get
//! the same answers as a login. Nothing here reads a file, a clock or the network; the look-ups are
//! passed in as functions. The attempt may come from an attacker, the configuration is trusted.

mod outage;
mod ssh;

use std::fmt;

use crate::base::attempt::Attempt;
use crate::base::date::Date;
use crate::base::factor::{Fingerprint, Person, Providers, Skipped};
use crate::base::text;
use crate::host::account::Spelling;
use crate::host::ssh_key::{self, PublicKey};
use crate::store::config::{Exempt, Fallback, Subject};
use crate::store::users::{Entry, KeyMismatch};

pub use outage::{OnOutage, OutageQuery};
pub use ssh::believes_ssh;
use ssh::security_key;

/// Returns the user whose factor is required: the user who is logged in, or the calling user. There
/// is no fallback from one to the other; `None` is a refusal.
///
/// The caller of a process with a real uid is the account of that uid, which `account_of` looks up,
/// and PAM_RUSER must name it. In root's own process PAM_RUSER alone says who calls, and only for a
/// login from this host: that of a remote login is a claim of the other side.
///
/// # Errors
/// The look-up failed.
pub fn subject<E>(
    whose: Subject,
    attempt: &Attempt,
    account_of: impl FnOnce(u32) -> Result<Option<String>, E>,
) -> Result<Option<String>, E> {
    if whose == Subject::User {
        return Ok(Some(attempt.user.clone()));
    }
    let named = attempt
        .ruser
        .clone()
        .filter(|name| !text::has_control(name));
    match attempt.process.uid {
        0 => {
            let is_local = attempt.rhost.is_none() && attempt.address.is_none();
            Ok(named.filter(|_| is_local))
        }
        uid => {
            let account = account_of(uid)?;
            Ok(account.filter(|account| named.as_ref() == Some(account)))
        }
    }
}

/// A rule of `[exempt]` that applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// The key in `[exempt]`.
    pub key: &'static str,
    /// The value that applies.
    pub value: String,
}

impl fmt::Display for Exemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = text::sanitize_to(&self.value, 64);
        write!(f, "exempt.{} \"{value}\"", self.key)
    }
}

/// Returns the rule of `[exempt]` that applies to `subject`, if any. A login without an address is
/// in no network. The groups are looked up last, by `group`, and only if a group is exempt.
///
/// # Errors
/// The look-up of the groups failed: the login is refused.
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

/// What a login requires, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: a rule of `[exempt]` applies.
    Exempt(Exemption),
    /// Nothing: the user is not enrolled, and the configuration allows that.
    NotEnrolledAllowed,
    /// Nothing yet: the account is not enrolled, and need not be before the end of this day.
    NotEnrolledYet(Date),
    /// A factor of this person.
    Person {
        /// The person, with every factor of the entry.
        person: Person,
        /// The factors that this host cannot check.
        skipped: Vec<Skipped>,
        /// The security key of the person that sshd has accepted: nothing is asked.
        security_key: Option<Fingerprint>,
        /// The factors of everyone behind the entry, as they are stored: recovery codes belong to
        /// the account, which several people may share.
        of_entry: Vec<String>,
    },
    /// A decoy: the user is not enrolled, or was removed, is asked like an enrolled one, and refused.
    Decoy,
    /// Refused immediately: the entry of the user is not valid.
    InvalidEntry {
        /// The line of the entry.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// Refused immediately: this host can check none of the person's factors.
    NoSupportedFactor(Vec<Skipped>),
    /// Refused immediately: several people share the account, and no SSH key identifies one of
    /// them.
    NoMatchingKey(KeyMismatch),
}

/// The input for the decision whether a login needs a second factor.
#[derive(Debug, Clone, Copy)]
pub struct RequirementQuery<'a> {
    /// What PAM says about the login.
    pub attempt: &'a Attempt,
    /// The user whose factor would be required, from [`subject`].
    pub subject: &'a str,
    /// The table `[exempt]`.
    pub exempt: &'a Exempt,
    /// What an unenrolled user needs.
    pub unenrolled: Fallback,
    /// Until when unenrolled accounts need no second factor, if that day is not over.
    pub enroll_by: Option<Date>,
    /// The providers that this host has.
    pub providers: Providers,
}

impl RequirementQuery<'_> {
    /// Decides what the login requires. `group` looks up one of the given groups that the subject
    /// is in, `entry` looks up the subject in the mapping, `spelling` compares the name with the
    /// one of the account, and `was_enrolled` says whether the subject had an entry once. Each is
    /// called only if the decision depends on it.
    ///
    /// # Errors
    /// A look-up failed: the login is refused.
    pub fn requirement<E>(
        &self,
        group: impl FnOnce(&[String]) -> Result<Option<String>, E>,
        entry: impl FnOnce() -> Result<Entry, E>,
        spelling: impl FnOnce() -> Result<Spelling, E>,
        was_enrolled: impl FnOnce() -> Result<bool, E>,
    ) -> Result<Requirement, E> {
        if let Some(rule) = exemption(self.exempt, self.subject, self.attempt, group)? {
            return Ok(Requirement::Exempt(rule));
        }
        let entry = entry()?;
        let of_entry = entry.stored_ids();
        Ok(match entry {
            Entry::Enrolled(person) => self.supported(person, of_entry),
            Entry::Invalid { line, message } => Requirement::InvalidEntry { line, message },
            Entry::Shared(_) if self.attempt.ssh_auth.is_some() && !self.attempt.believes_ssh => {
                Requirement::NoMatchingKey(KeyMismatch::NotBelieved)
            }
            Entry::Shared(shared) => {
                let keys = self.accepted_keys();
                let keys: Vec<_> = keys.iter().map(|key| key.fingerprint).collect();
                match shared.person(&keys) {
                    Ok(person) => self.supported(person, of_entry),
                    Err(why) => Requirement::NoMatchingKey(why),
                }
            }
            Entry::Absent => self.of_unenrolled(spelling, was_enrolled)?,
            // No rule for unenrolled users applies to a name that was enrolled.
            Entry::Removed { .. } => Requirement::Decoy,
        })
    }

    /// What a user without an entry needs: a second factor, unless the configuration says
    /// otherwise.
    ///
    /// No rule applies to another spelling, which a directory resolves to the same account: it
    /// could belong to an enrolled user. `enroll_by` is for accounts of this host that never had an
    /// entry: one that was removed must not leave the account with less proof than before.
    fn of_unenrolled<E>(
        &self,
        spelling: impl FnOnce() -> Result<Spelling, E>,
        was_enrolled: impl FnOnce() -> Result<bool, E>,
    ) -> Result<Requirement, E> {
        if self.unenrolled == Fallback::Deny && self.enroll_by.is_none() {
            return Ok(Requirement::Decoy);
        }
        Ok(match (spelling()?, self.unenrolled, self.enroll_by) {
            (Spelling::Own | Spelling::NoAccount, Fallback::Ignore, _) => {
                Requirement::NotEnrolledAllowed
            }
            (Spelling::Own, Fallback::Deny, Some(date)) if !was_enrolled()? => {
                Requirement::NotEnrolledYet(date)
            }
            (Spelling::Alias | Spelling::NoAccount | Spelling::Own, ..) => Requirement::Decoy,
        })
    }

    /// The keys that sshd has accepted.
    fn accepted_keys(&self) -> Vec<PublicKey> {
        ssh_key::accepted_keys(self.attempt.ssh_methods())
    }

    /// The person, if this host can check one of the factors.
    fn supported(&self, person: Person, of_entry: Vec<String>) -> Requirement {
        let skipped = person.skipped_by(self.providers);
        if person.has_supported(self.providers) {
            let keys = (self.providers.security_keys).then(|| self.accepted_keys());
            Requirement::Person {
                security_key: keys.and_then(|keys| security_key(&person, &keys)),
                person,
                skipped,
                of_entry,
            }
        } else {
            Requirement::NoSupportedFactor(skipped)
        }
    }
}

/// Returns the skipped factors as one text for the log.
#[must_use]
pub fn list(skipped: &[Skipped]) -> String {
    let texts: Vec<_> = skipped.iter().map(Skipped::to_string).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::attempt::Process;
    use crate::base::factor::AuthyId;
    use crate::store::users::Shared;

    /// What a login of alice requires, whose name has `entry` in the mapping.
    fn requirement(
        entry: &Entry,
        unenrolled: Fallback,
        spelling: Result<Spelling, &'static str>,
    ) -> Result<Requirement, &'static str> {
        let attempt = Attempt {
            user: "alice".into(),
            ..attempt()
        };
        let query = RequirementQuery {
            attempt: &attempt,
            subject: "alice",
            exempt: &Exempt::default(),
            unenrolled,
            enroll_by: None,
            providers: Providers {
                authy: true,
                ..Providers::default()
            },
        };
        let never = || panic!("no one asks without a date");
        query.requirement(|_| Ok(None), || Ok(entry.clone()), || spelling, never)
    }

    fn absent(fallback: Fallback, spelling: Spelling) -> Requirement {
        requirement(&Entry::Absent, fallback, Ok(spelling)).unwrap()
    }

    #[test]
    fn unenrolled_users_are_refused_by_default() {
        let spellings = [Spelling::Own, Spelling::NoAccount, Spelling::Alias];
        let required = spellings.map(|spelling| absent(Fallback::Deny, spelling));
        assert_eq!(required, [const { Requirement::Decoy }; 3]);
    }

    #[test]
    fn a_name_that_the_directory_has_lost_is_refused_whatever_is_said_of_the_unenrolled() {
        let removed = Entry::Removed { line: 4, since: 0 };
        let never = Err("no one asks for the spelling");
        let by_default = requirement(&removed, Fallback::Deny, never);
        let ignored = requirement(&removed, Fallback::Ignore, never);
        let in_time = before_the_day(&removed, Fallback::Deny, never, Ok(false));
        let all = [by_default, ignored, in_time];
        assert_eq!(all, [const { Ok(Requirement::Decoy) }; 3]);
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

    /// What a login of alice requires while `enroll_by` is not over.
    fn before_the_day(
        entry: &Entry,
        unenrolled: Fallback,
        spelling: Result<Spelling, &'static str>,
        was_enrolled: Result<bool, &'static str>,
    ) -> Result<Requirement, &'static str> {
        let attempt = Attempt {
            user: "alice".into(),
            ..attempt()
        };
        let query = RequirementQuery {
            attempt: &attempt,
            subject: "alice",
            exempt: &Exempt::default(),
            unenrolled,
            enroll_by: Some(day()),
            providers: Providers::default(),
        };
        let entry = || Ok(entry.clone());
        query.requirement(|_| Ok(None), entry, || spelling, || was_enrolled)
    }

    fn day() -> Date {
        Date::new(2027, 1, 31).unwrap()
    }

    #[test]
    fn until_enroll_by_an_account_that_never_had_an_entry_needs_no_factor() {
        let ask = |fallback, spelling, was| {
            before_the_day(&Entry::Absent, fallback, Ok(spelling), Ok(was)).unwrap()
        };
        let (deny, ignore) = (Fallback::Deny, Fallback::Ignore);
        let yet = Requirement::NotEnrolledYet(day());
        assert_eq!(ask(deny, Spelling::Own, false), yet);
        let refused = [
            (Spelling::Own, true),
            (Spelling::NoAccount, false),
            (Spelling::Alias, false),
        ];
        for (spelling, was) in refused {
            assert_eq!(ask(deny, spelling, was), Requirement::Decoy, "{spelling:?}");
        }
        let allowed = Requirement::NotEnrolledAllowed;
        assert_eq!(ask(ignore, Spelling::Own, true), allowed);
        assert_eq!(ask(ignore, Spelling::Alias, false), Requirement::Decoy);
    }

    #[test]
    fn until_enroll_by_an_entry_that_cannot_be_used_is_refused_all_the_same() {
        let ask = |entry: Entry| {
            before_the_day(&entry, Fallback::Deny, Ok(Spelling::Own), Ok(false)).unwrap()
        };
        let invalid = Entry::Invalid {
            line: 1,
            message: String::new(),
        };
        let shared = Entry::Shared(Shared {
            keys: [(KEY.parse().unwrap(), Person::default())].into(),
            push: None,
        });
        let unsupported = Entry::Enrolled(Person::from(AuthyId::try_from(1_u64).unwrap()));
        assert!(matches!(ask(invalid), Requirement::InvalidEntry { .. }));
        assert_eq!(ask(shared), Requirement::NoMatchingKey(KeyMismatch::NoKey));
        assert!(matches!(
            ask(unsupported),
            Requirement::NoSupportedFactor(_)
        ));
    }

    #[test]
    fn until_enroll_by_a_failed_look_up_refuses_the_login() {
        let ask = |spelling, was| before_the_day(&Entry::Absent, Fallback::Deny, spelling, was);
        assert_eq!(ask(Err("down"), Ok(false)), Err("down"));
        assert_eq!(ask(Ok(Spelling::Own), Err("state")), Err("state"));
    }

    #[test]
    fn a_user_with_an_entry_is_never_treated_as_unenrolled() {
        let person = Person::from(AuthyId::try_from(1_u64).unwrap());
        let asked = Requirement::Person {
            person: person.clone(),
            skipped: vec![],
            security_key: None,
            of_entry: person.stored_ids(),
        };
        let invalid = Entry::Invalid {
            line: 1,
            message: String::new(),
        };
        let shared = Entry::Shared(Shared {
            keys: [(KEY.parse().unwrap(), person.clone())].into(),
            push: None,
        });
        let ask = |entry| requirement(&entry, Fallback::Ignore, Ok(Spelling::Own)).unwrap();
        assert_eq!(ask(Entry::Enrolled(person)), asked);
        assert!(matches!(ask(invalid), Requirement::InvalidEntry { .. }));
        assert_eq!(ask(shared), Requirement::NoMatchingKey(KeyMismatch::NoKey));
    }

    const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

    /// A login of one person took the account's recovery codes away from the others.
    #[test]
    fn recovery_codes_of_a_shared_account_belong_to_everyone_behind_it() {
        let id = |number: u64| Person::from(AuthyId::try_from(number).unwrap());
        let auth = "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL7kYXC+ngCRZK6En01ngnk9ycdIA1+mMmQjNWK40nDk".to_owned();
        let own = ssh_key::accepted_keys(&auth)[0].fingerprint;
        let other = "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";
        let entry = Entry::Shared(Shared {
            keys: [(own, id(1)), (other.parse().unwrap(), id(2))].into(),
            push: None,
        });
        let attempt = Attempt {
            ssh_auth: Some(auth),
            believes_ssh: true,
            ..attempt()
        };
        let query = RequirementQuery {
            attempt: &attempt,
            subject: "alice",
            exempt: &Exempt::default(),
            unenrolled: Fallback::Deny,
            enroll_by: None,
            providers: Providers {
                authy: true,
                ..Providers::default()
            },
        };
        let ask = |query: RequirementQuery<'_>| {
            let entry = || Ok(entry.clone());
            query.requirement(
                |_| Ok::<_, ()>(None),
                entry,
                || Ok(Spelling::Own),
                || Ok(false),
            )
        };
        let not_of_sshd = Attempt {
            believes_ssh: false,
            ..attempt.clone()
        };
        let refused = Requirement::NoMatchingKey(KeyMismatch::NotBelieved);
        let attempt = &not_of_sshd;
        assert_eq!(ask(RequirementQuery { attempt, ..query }), Ok(refused));
        let required = ask(query);
        let expected = Requirement::Person {
            person: id(1),
            skipped: vec![],
            security_key: None,
            of_entry: vec!["authy_id=1".to_owned(), "authy_id=2".to_owned()],
        };
        assert_eq!(required, Ok(expected));
    }

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
        let skipped = person.skipped_by(Providers {
            authy: true,
            ..Providers::default()
        });
        let refused = Requirement::NoSupportedFactor(skipped.clone());
        assert_eq!(ask(person.clone()), refused);
        let both = Person {
            authy_id: Some("1".parse().unwrap()),
            ..person
        };
        let asked = Requirement::Person {
            person: both.clone(),
            skipped,
            security_key: None,
            of_entry: both.stored_ids(),
        };
        assert_eq!(ask(both), asked);
    }

    #[test]
    fn a_failed_look_up_refuses_the_login() {
        let failed = requirement(&Entry::Absent, Fallback::Ignore, Err("down"));
        assert_eq!(failed, Err("down"));
    }

    fn attempt() -> Attempt {
        Attempt {
            user: "root".into(),
            service: "su".into(),
            ruser: Some("alice".into()),
            ..Attempt::default()
        }
    }

    #[test]
    fn the_caller_is_the_subject_only_if_configured_and_known_from_the_process() {
        // Real uid, PAM_RUSER, PAM_RHOST, whose factor. The account of 1000 is alice.
        let rows = [
            (0, Some("alice"), None, Some("alice")),
            (0, None, None, None),
            (0, Some("alice"), Some("host.example"), None),
            (0, Some("al\nice"), None, None),
            (1000, Some("alice"), None, Some("alice")),
            (1000, Some("bob"), None, None),
            (1000, None, None, None),
            (1001, Some("alice"), None, None),
        ];
        let account_of = |uid| Ok::<_, ()>((uid == 1000).then(|| "alice".to_owned()));
        let mut wrong = Vec::new();
        for (uid, ruser, rhost, expected) in rows {
            let attempt = Attempt {
                ruser: ruser.map(str::to_owned),
                rhost: rhost.map(str::to_owned),
                process: Process {
                    uid,
                    ..Process::default()
                },
                ..attempt()
            };
            let user = subject(Subject::User, &attempt, account_of);
            assert_eq!(user, Ok(Some("root".to_owned())));
            let caller = subject(Subject::Caller, &attempt, account_of);
            if caller.as_ref().map(Option::as_deref) != Ok(expected) {
                wrong.push((uid, ruser, rhost, caller));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
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
        let cron = Attempt {
            service: "cron".into(),
            ..attempt()
        };
        let near = Attempt {
            address: Some("192.0.2.9".parse().unwrap()),
            ..attempt()
        };
        let found = [
            rule("alice", &attempt(), None),
            rule("backup", &attempt(), None),
            rule("alice", &attempt(), Some("robots")),
            rule("alice", &cron, None),
            rule("alice", &near, None),
        ];
        let expected = [
            None,
            Some("exempt.users \"backup\"".to_owned()),
            Some("exempt.groups \"robots\"".to_owned()),
            Some("exempt.services \"cron\"".to_owned()),
            Some("exempt.networks \"192.0.2.0/24\"".to_owned()),
        ];
        assert_eq!(found, expected);
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
        let rules = [attempt(), named]
            .map(|attempt| exemption(&everywhere, "alice", &attempt, |_| Ok::<_, ()>(None)));
        assert_eq!(rules, [Ok(None), Ok(None)]);
    }

    #[test]
    fn a_failed_group_look_up_is_no_exemption() {
        let failed = exemption(&exempt(), "alice", &attempt(), |_| Err("down"));
        assert_eq!(failed, Err("down"));
    }
}
