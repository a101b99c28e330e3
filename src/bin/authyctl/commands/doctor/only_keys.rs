//! Services of sshd that accept nothing but security keys: who has none, and so no login.

use pam_authy::base::factor::{Factor, Person};
use pam_authy::store::config::Config;
use pam_authy::store::users::{Entry, Mapping};

use super::{Finding, Protected};
use crate::output::{shorten, shown_name};

/// Returns a problem for each protected service of sshd whose rules leave people without a factor.
pub(super) fn check(protected: &[Protected], config: &Config, mapping: &Mapping) -> Vec<Finding> {
    let of_sshd = protected.iter().filter(|stack| stack.is_of_sshd);
    let services = of_sshd.map(|stack| stack.service.as_str());
    services
        .filter_map(|service| of_service(service, config, mapping))
        .collect()
}

fn of_service(service: &str, config: &Config, mapping: &Mapping) -> Option<Finding> {
    let factors = config.login(service).factors;
    if factors.iter().any(|factor| *factor != Factor::SecurityKey) {
        return None;
    }
    let has_none = |person: &Person| person.security_keys.is_empty();
    let lacks = |entry: &Entry| match entry {
        Entry::Enrolled(person) => has_none(person),
        Entry::Shared(shared) => shared.keys.values().any(has_none),
        Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => false,
    };
    let lacking = mapping.iter().filter(|(_, entry)| lacks(entry));
    let names: Vec<_> = lacking.map(|(user, _)| shown_name(user)).collect();
    (!names.is_empty()).then(|| {
        let message = format!(
            "{service} accepts nothing but security keys, and these users have none: {}",
            shorten(&names)
        );
        Finding::problem(&format!("pam {service}"), message)
            .hint("authyctl enroll USER --security-key, or add other factors to factors")
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn who_has_no_security_key_is_named_where_nothing_else_counts() {
        let users = "[users]\nann = 1\nben = { security_keys = \
            [\"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"] }\n";
        let mapping = Mapping::parse(users, Path::new("users.toml")).unwrap();
        let said = |factors: &str| {
            let text = format!("[service.sshd]\nfactors = [{factors}]\n");
            let config = Config::parse(&text, Path::new("config.toml")).unwrap();
            of_service("sshd", &config, &mapping).map(|finding| finding.message)
        };
        let message = said("\"security-key\"").unwrap();
        assert!(message.ends_with("have none: ann"), "{message}");
        assert_eq!(said("\"token\", \"security-key\""), None);
    }
}
