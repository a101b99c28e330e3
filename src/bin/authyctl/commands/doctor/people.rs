//! Who administers this host, and whether they could still log in.

use std::collections::BTreeSet;
use std::fs;

use nix::unistd::Group;
use pam_authy::base::attempt::Attempt;
use pam_authy::base::factor::Providers;
use pam_authy::base::text;
use pam_authy::factor::connect;
use pam_authy::host::account;
use pam_authy::login::policy::{Requirement, RequirementQuery};
use pam_authy::store::config::{Config, Exempt, Fallback};
use pam_authy::store::users::Mapping;

use super::sudoers::Sudoers;
use super::{Check, Protected};

/// Groups whose members may use sudo by the habit of distributions.
const ADMIN_GROUPS: [&str; 3] = ["sudo", "wheel", "admin"];

/// Root, and everybody who may use sudo.
pub(super) struct People {
    pub(super) admins: BTreeSet<String>,
}

impl People {
    /// Looks up whom sudoers names, and the members of its groups.
    pub(super) fn find(sudoers: &Sudoers) -> Self {
        let mut admins = BTreeSet::from(["root".to_owned()]);
        let (users, groups) = sudoers.named();
        admins.extend(users);
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        for group in groups.iter().map(String::as_str).chain(ADMIN_GROUPS) {
            if let Ok(Some(group)) = Group::from_name(group) {
                admins.extend(group.mem);
                admins.extend(primary_members(&passwd, group.gid.as_raw()));
            }
        }
        Self { admins }
    }
}

/// The accounts whose own group it is; a group's list of members does not name them.
fn primary_members(passwd: &str, gid: u32) -> Vec<String> {
    let wanted = gid.to_string();
    let accounts = passwd.lines().map(|line| line.split(':'));
    accounts
        .filter_map(|mut fields| {
            let name = fields.next()?;
            (fields.nth(2)? == wanted).then(|| name.to_owned())
        })
        .collect()
}

/// Root and sudoers whom a service would refuse: by the very function that the module asks.
pub(super) fn locked_out(
    protected: &[Protected],
    config: Option<&Config>,
    mapping: &Mapping,
    people: &People,
) -> Vec<Check> {
    if protected.is_empty() {
        return Vec::new();
    }
    let refusing = |name: &String| {
        let refuses = |p: &&Protected| refuses(p, name, config, mapping);
        let services = protected.iter().filter(refuses);
        services.map(|p| p.service.as_str()).collect::<Vec<_>>()
    };
    let all: Vec<_> = people
        .admins
        .iter()
        .map(|name| (text::sanitize_to(name, 64), refusing(name)))
        .collect();
    let (free, locked): (Vec<_>, Vec<_>) =
        all.iter().partition(|(_, refusing)| refusing.is_empty());
    let mut checks: Vec<_> = locked
        .iter()
        .map(|(name, refusing)| {
            let message = format!(
                "{name} is not enrolled and cannot use {}",
                refusing.join(", ")
            );
            let check = if free.is_empty() {
                Check::problem("people", message)
            } else {
                Check::warning("people", message)
            };
            check.hint(&format!("authyctl enroll {name} --authy-id N"))
        })
        .collect();
    if free.is_empty() {
        checks.push(
            Check::problem(
                "people",
                "nobody who administers this host is enrolled: all are locked out",
            )
            .hint("enroll one sudoer before you enable the module"),
        );
    } else {
        let names: Vec<_> = free.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!("administrators who can log in: {}", names.join(", "));
        checks.push(Check::ok("people", message));
    }
    checks
}

/// Whether `service` refuses `name` whatever is typed. A shared account is told apart by the SSH key of
/// the login, which nobody but sshd hands over.
fn refuses(service: &Protected, name: &str, config: Option<&Config>, mapping: &Mapping) -> bool {
    let attempt = Attempt {
        user: name.to_owned(),
        service: service.service.clone(),
        rhost: None,
        tty: None,
        ruser: None,
        address: None,
        ssh_auth: None,
        password: None,
    };
    let none = Exempt::default();
    let question = RequirementQuery {
        attempt: &attempt,
        subject: name,
        exempt: config.map_or(&none, |config| &config.exempt),
        unenrolled: if service.passes_unenrolled {
            Fallback::Ignore
        } else {
            Fallback::Deny
        },
        // Without a configuration nothing is known of what this host can check.
        providers: config.map_or(Providers { authy: true }, connect::providers),
    };
    let needed = question.requirement(
        |groups| account::group_of(name, groups),
        || Ok(mapping.find(name)),
        || account::spelling(name),
    );
    match needed {
        Ok(
            Requirement::Exempt(_) | Requirement::NotEnrolledAllowed | Requirement::Person { .. },
        ) => false,
        Ok(Requirement::NoMatchingKey(_)) => !service.is_sshd(),
        Ok(
            Requirement::Decoy
            | Requirement::InvalidEntry { .. }
            | Requirement::NoSupportedFactor(_),
        )
        | Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_by_primary_group_are_found() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:27::/home/alice:/bin/sh\nbroken\n";
        assert_eq!(primary_members(passwd, 27), ["alice"]);
    }
}
