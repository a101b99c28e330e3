//! `migrate status`: who has which factors, and what a change of the provider would mean for them.
//!
//! Everything is decided by the functions that a login uses, with another `login.provider` or
//! without a table. Changes nothing, and asks no provider. Doctor uses [`Status`] too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pam_authy::base::factor::{Person, Providers};
use pam_authy::factor::connect;
use pam_authy::store::config::{Config, Login, Provider};
use pam_authy::store::totp::{self, Secrets};
use pam_authy::store::users::{Entry, Mapping};
use serde_json::{Value, json};

use super::load_all_people;
use super::totp::at_prompt::{AtPrompt, Standing};
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::{Output, shorten, shown_name};

/// The service whose rules count where no table is about it.
const RULES_OF: &str = "sshd";
const PROVIDERS: [Provider; 2] = [Provider::Authy, Provider::Twilio];

/// What doctor and `migrate status` say of the people of a mapping.
pub(super) struct Status<'a> {
    config: &'a Config,
    people: Vec<(&'a str, Person)>,
    /// The users whose entry cannot be used.
    invalid: Vec<&'a str>,
    /// The rules of every service that has a table of its own, and those of all others.
    rules: Vec<Login>,
}

/// The tables that a host would not have.
#[derive(Clone, Copy)]
struct Without {
    authy: bool,
    twilio: bool,
}

/// The apps on this host that can be used.
#[derive(Default)]
pub(super) struct UsableApps {
    /// The names of the secrets in totp.toml.
    secrets: BTreeSet<String>,
    /// The users whose app was enrolled at the prompt and counts.
    at_prompt: BTreeSet<String>,
}

impl UsableApps {
    /// Reads totp.toml beside the mapping at `users`, and enrolled.toml. A login can use no app of
    /// a file that cannot be read.
    pub(super) fn find(users: &Path, config: &Config, mapping: &Mapping) -> Self {
        let own = match Secrets::load(&totp::path(users)) {
            Ok(own) => Some(own),
            Err(error) if error.is_missing() => None,
            Err(_) => return Self::default(),
        };
        let usable = own.iter().flat_map(Secrets::iter);
        let usable = usable.filter(|(_, entry)| entry.app().is_some());
        let at_prompt = AtPrompt::of(config).ok().flatten();
        let rows = at_prompt
            .iter()
            .flat_map(|all| all.rows(mapping, own.as_ref()));
        let counting = rows.filter(|(_, row)| row.standing == Standing::Counts);
        Self {
            secrets: usable.map(|(name, _)| name.to_owned()).collect(),
            at_prompt: counting.map(|(user, _)| user.to_owned()).collect(),
        }
    }

    /// The person as a login knows them; `None` where the entry promises an app without a secret.
    fn person(&self, user: &str, person: &Person) -> Option<Person> {
        let mut person = person.clone();
        if self.at_prompt.contains(user) {
            person.totp = Some(user.to_owned());
            return Some(person);
        }
        let is_usable = person
            .totp
            .as_ref()
            .is_none_or(|name| self.secrets.contains(name));
        is_usable.then_some(person)
    }
}

impl<'a> Status<'a> {
    pub(super) fn of(config: &'a Config, mapping: &'a Mapping, apps: &UsableApps) -> Self {
        let mut people = Vec::new();
        let mut invalid = Vec::new();
        for (user, entry) in mapping.iter() {
            let of_entry: Vec<_> = match entry {
                Entry::Enrolled(person) => vec![apps.person(user, person)],
                Entry::Shared(shared) => {
                    let all = shared.keys.values();
                    all.map(|person| apps.person("", person)).collect()
                }
                Entry::Invalid { .. } => vec![None],
                Entry::Removed { .. } | Entry::Absent => vec![],
            };
            if of_entry.iter().any(Option::is_none) {
                invalid.push(user);
            }
            people.extend(of_entry.into_iter().flatten().map(|person| (user, person)));
        }
        let services = config.services().chain([RULES_OF]);
        Self {
            config,
            people,
            invalid,
            rules: services.map(|service| config.login(service)).collect(),
        }
    }

    /// The users who can log in to some service now and could not without these tables.
    fn locked_out(&self, without: Without) -> Vec<&'a str> {
        let is_lost = |person: &Person, rules: &Login| {
            let now = connect::providers(self.config, rules);
            let then = Providers {
                authy: now.authy && !without.authy,
                twilio: now.twilio && !without.twilio,
                ..now
            };
            person.has_supported(now) && !person.has_supported(then)
        };
        let lost = self
            .people
            .iter()
            .filter(|(_, person)| self.rules.iter().any(|rules| is_lost(person, rules)));
        users(lost.map(|(user, _)| *user))
    }

    /// The users who cannot log in to some service as it is.
    fn locked_out_now(&self) -> Vec<&'a str> {
        let has_none = |person: &Person| {
            let mut rules = self.rules.iter();
            rules.any(|rules| !person.has_supported(connect::providers(self.config, rules)))
        };
        let lost = self.people.iter().filter(|(_, person)| has_none(person));
        let lost = lost.map(|(user, _)| *user);
        users(lost.chain(self.invalid.iter().copied()))
    }

    /// The provider that a login of sshd asks about a person, with this `login.provider`.
    fn asked(&self, person: &Person, preferred: Option<Provider>) -> Option<Provider> {
        let mut rules = self.config.login(RULES_OF);
        rules.provider = preferred.or(rules.provider);
        connect::provider(self.config, &rules, person)
    }

    /// The users who depend on Authy alone.
    pub(super) fn at_authy_alone(&self) -> Vec<&'a str> {
        self.locked_out(Without {
            authy: true,
            twilio: false,
        })
    }

    /// The users who depend on Twilio alone.
    pub(super) fn at_twilio_alone(&self) -> Vec<&'a str> {
        self.locked_out(Without {
            authy: false,
            twilio: true,
        })
    }

    /// How many people there are.
    pub(super) fn people(&self) -> usize {
        self.people.len()
    }

    fn has(&self, provider: Provider) -> bool {
        match provider {
            Provider::Authy => self.config.authy.is_some(),
            Provider::Twilio => self.config.twilio.is_some(),
        }
    }
}

/// Each user once, sorted.
fn users<'u>(all: impl Iterator<Item = &'u str>) -> Vec<&'u str> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}

pub(super) fn status(global: &Global) -> Result<Output, CommandError> {
    let config = Config::load(&global.config)?;
    let mapping = load_all_people(global)?;
    let apps = UsableApps::find(&global.users, &config, &mapping);
    let status = Status::of(&config, &mapping, &apps);
    let mut lines = status.lines_of_people();
    let mut members = json!({
        "people": status.people(),
        "users": status.members_of_people(),
        "invalid": status.invalid,
        "provider": config.login(RULES_OF).provider.map(Provider::as_str),
        "now": {"locked_out": status.locked_out_now()},
    });
    lines.push(format!("now: {}", locked_out(&status.locked_out_now())));
    for provider in PROVIDERS {
        let (line, member) = status.switch(provider);
        lines.push(line);
        members["providers"][provider.as_str()] = member;
    }
    let cases = [
        ("authy", true, false),
        ("twilio", false, true),
        ("both", true, true),
    ];
    for (name, authy, twilio) in cases {
        let lost = status.locked_out(Without { authy, twilio });
        let tables = match name {
            "both" => "[authy] and [twilio]".to_owned(),
            one => format!("[{one}]"),
        };
        lines.push(format!("without {tables}: {}", locked_out(&lost)));
        members["without"][name] = json!({"locked_out": lost});
    }
    Ok(Output::new(lines, members))
}

impl Status<'_> {
    /// How many people have which factors.
    fn lines_of_people(&self) -> Vec<String> {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for (_, person) in &self.people {
            *groups.entry(person.factor_names().join(" ")).or_default() += 1;
        }
        let mut lines: Vec<_> = (groups.iter())
            .map(|(factors, count)| format!("{count:6}  {factors}"))
            .collect();
        if !self.invalid.is_empty() {
            lines.push(format!(
                "{:6}  an entry that cannot be used",
                self.invalid.len()
            ));
        }
        let people = if self.people.len() == 1 {
            "person"
        } else {
            "people"
        };
        lines.push(format!("{:6}  {people} in all", self.people.len()));
        lines
    }

    fn members_of_people(&self) -> Vec<Value> {
        let member = |(user, person): &(&str, Person)| {
            json!({
                "user": user,
                "factors": person.factor_names(),
                "asked": self.asked(person, None).map(Provider::as_str),
            })
        };
        self.people.iter().map(member).collect()
    }

    /// What `login.provider = …` would change.
    fn switch(&self, provider: Provider) -> (String, Value) {
        let word = provider.as_str();
        if !self.has(provider) {
            let all = users(self.people.iter().map(|(user, _)| *user));
            let line = format!(
                "login.provider = \"{word}\": config.toml has no table [{word}], so every login would be refused"
            );
            return (line, json!({"asked": 0, "others": [], "locked_out": all}));
        }
        let asked = |person: &Person| self.asked(person, Some(provider));
        let is_asked = |person: &Person| asked(person) == Some(provider);
        let count = (self.people.iter())
            .filter(|(_, person)| is_asked(person))
            .count();
        let others = self.people.iter().filter(|(_, person)| {
            let found = asked(person);
            found.is_some() && found != Some(provider)
        });
        let others = users(others.map(|(user, _)| *user));
        // People who are not at this provider are still asked at the other one: nothing else
        // changes.
        let lost: Vec<&str> = Vec::new();
        let mut line = format!(
            "login.provider = \"{word}\": {count} {} asked there",
            if count == 1 { "is" } else { "are" }
        );
        if !others.is_empty() {
            line += &format!(", and {} still elsewhere: {}", others.len(), names(&others));
        }
        line += &format!("; {}", locked_out(&lost));
        let member = json!({"asked": count, "others": others, "locked_out": lost});
        (line, member)
    }
}

fn locked_out(users: &[&str]) -> String {
    match users.len() {
        0 => "no one is locked out".to_owned(),
        1 => format!("1 is locked out: {}", names(users)),
        count => format!("{count} are locked out: {}", names(users)),
    }
}

fn names(users: &[&str]) -> String {
    let shown: Vec<_> = users.iter().map(|user| shown_name(user)).collect();
    shorten(&shown)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const AUTHY: &str = "[authy]\nkey = \"d57d919d11e6b221c9bf6f7c882028f9\"\n";
    const TWILIO: &str = "[twilio]\nservice = \"VA0123456789abcdef0123456789abcdef\"\n\
        key_sid = \"SK0123456789abcdef0123456789abcdef\"\nkey_secret = \"s\"\n";
    const USERS: &str = "[users]\nann = 1\nben = { authy_id = 2, phone = \"+15551234501\" }\n\
        cat = { phone = \"+15551234502\" }\ndan = { totp = true }\neve = 0\n\
        fay = { authy_id = 3, totp = true }\n\
        gus = { keys = { \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\" = 4 } }\n";

    fn config(text: &str) -> Config {
        Config::parse(text, Path::new("config.toml")).unwrap()
    }

    fn check(text: &str, check: impl FnOnce(&Status<'_>)) {
        let mapping = Mapping::parse(USERS, Path::new("users.toml")).unwrap();
        let apps = UsableApps {
            secrets: ["dan", "fay"].map(str::to_owned).into(),
            at_prompt: BTreeSet::new(),
        };
        check(&Status::of(&config(text), &mapping, &apps));
    }

    #[test]
    fn a_person_who_has_nothing_else_is_locked_out_without_a_provider() {
        check(&format!("{AUTHY}{TWILIO}"), |status| {
            let lost = |authy, twilio| status.locked_out(Without { authy, twilio });
            assert_eq!(lost(true, false), ["ann", "gus"]);
            assert_eq!(lost(false, true), ["cat"]);
            assert_eq!(lost(true, true), ["ann", "ben", "cat", "gus"]);
            assert_eq!(status.locked_out_now(), ["eve"]);
            assert_eq!(status.at_authy_alone(), ["ann", "gus"]);
        });
    }

    #[test]
    fn a_switch_asks_another_provider_about_those_whom_both_know() {
        check(&format!("{AUTHY}{TWILIO}"), |status| {
            let (line, member) = status.switch(Provider::Twilio);
            assert_eq!(
                member,
                json!({"asked": 2, "others": ["ann", "fay", "gus"], "locked_out": []})
            );
            assert_eq!(
                line,
                "login.provider = \"twilio\": 2 are asked there, and 3 still elsewhere: ann, fay, gus; \
                 no one is locked out"
            );
            let (_, member) = status.switch(Provider::Authy);
            assert_eq!(member["asked"], 4, "{member}");
        });
    }

    #[test]
    fn a_provider_without_a_table_locks_everyone_out() {
        check(AUTHY, |status| {
            let (line, member) = status.switch(Provider::Twilio);
            assert!(line.ends_with("so every login would be refused"), "{line}");
            assert_eq!(member["locked_out"].as_array().unwrap().len(), 6);
            assert_eq!(status.locked_out_now(), ["cat", "eve"]);
        });
    }

    #[test]
    fn the_rules_of_one_service_can_lock_out_as_well() {
        let text = format!("{AUTHY}{TWILIO}[service.sudo]\nfactors = [\"push\"]\n");
        check(&text, |status| {
            // sudo takes no code, so neither numbers nor apps count there.
            assert_eq!(status.locked_out_now(), ["cat", "dan", "eve"]);
            let lost = status.at_authy_alone();
            assert_eq!(lost, ["ann", "ben", "fay", "gus"]);
        });
    }
}
