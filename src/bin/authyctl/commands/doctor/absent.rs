//! A provider without a table in config.toml: who has a factor there, and who has nothing else.

use pam_authy::base::factor::Person;
use pam_authy::factor::connect;
use pam_authy::store::config::{Config, Provider};
use pam_authy::store::users::{Entry, Mapping};

use super::Finding;
use crate::output::{shorten, shown_name};

/// Says what it means that `config` has no table of this provider; `None` where no person has a
/// factor there.
pub(super) fn check(
    name: &'static str,
    provider: Provider,
    config: &Config,
    mapping: &Mapping,
) -> Option<Finding> {
    let providers = connect::providers(config, &config.login("sshd"));
    let is_there = |person: &Person| match provider {
        Provider::Authy => person.authy_id.is_some(),
        Provider::Twilio => person.phone.is_some() || person.twilio_factor.is_some(),
    };
    let is_lost = |person: &Person| is_there(person) && !person.has_supported(providers);
    let mut count = 0;
    let mut lost = Vec::new();
    for (user, entry) in mapping.iter() {
        let people: Vec<&Person> = match entry {
            Entry::Enrolled(person) => vec![person],
            Entry::Shared(shared) => shared.keys.values().collect(),
            Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => Vec::new(),
        };
        count += usize::from(people.iter().any(|person| is_there(person)));
        if people.iter().any(|person| is_lost(person)) {
            lost.push(shown_name(user));
        }
    }
    let word = provider.as_str();
    let missing = format!("config.toml has no table [{word}]");
    match (count, lost.len()) {
        (0, _) => None,
        (1, 0) => {
            let message = format!("{missing}; the user with a factor there has another one");
            Some(Finding::ok(name, message))
        }
        (_, 0) => {
            let message = format!("{missing}; the {count} users with a factor there have others");
            Some(Finding::ok(name, message))
        }
        (_, refused) => {
            let have = if refused == 1 {
                "one user has"
            } else {
                &format!("{refused} users have")
            };
            let message = format!(
                "{missing}, and {have} no other factor and no login: {}",
                shorten(&lost)
            );
            let hint = format!(
                "authyctl init {word} writes it; or give them another factor: authyctl migrate status --json names them all"
            );
            Some(Finding::problem(name, message).hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Level;
    use super::*;

    #[test]
    fn a_missing_table_is_a_problem_only_for_those_who_have_nothing_else() {
        let said = |users: &str, provider| {
            let config = Config::parse("[login]\n", Path::new("config.toml")).unwrap();
            let mapping = Mapping::parse(&format!("[users]\n{users}"), Path::new("users.toml"));
            let finding = check("service", provider, &config, &mapping.unwrap());
            finding.map(|finding| (finding.level, finding.message))
        };
        assert_eq!(said("ann = { totp = true }\n", Provider::Authy), None);
        let (level, _) = said("ann = { authy_id = 1, totp = true }\n", Provider::Authy).unwrap();
        assert_eq!(level, Level::Ok);
        let both = "ann = { authy_id = 1, totp = true }\nben = 2\n\
            cat = { phone = \"+15551234567\" }\n";
        let (level, message) = said(both, Provider::Authy).unwrap();
        assert_eq!(level, Level::Problem);
        assert!(
            message.ends_with("one user has no other factor and no login: ben"),
            "{message}"
        );
        let (_, message) = said(both, Provider::Twilio).unwrap();
        assert!(message.ends_with(": cat"), "{message}");
    }
}
