//! Who administers this host, and whether they could still log in.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;

use nix::unistd::Group;
use pam_authy::base::attempt::Attempt;
use pam_authy::base::date::Date;
use pam_authy::base::factor::Providers;
use pam_authy::factor::connect;
use pam_authy::host::account::{self, LookupFailed};
use pam_authy::login::policy::{Requirement, RequirementQuery};
use pam_authy::store::config::{Config, Exempt, Fallback};
use pam_authy::store::former;
use pam_authy::store::users::{Entry, Mapping};

use super::services::Service;
use super::{Finding, Protected};
use crate::commands::sudoers::Sudoers;
use crate::output::shown_name;

/// Groups whose members may use sudo, as distributions set them up.
const ADMIN_GROUPS: [&str; 3] = ["sudo", "wheel", "admin"];

/// Root, and every user who may use sudo.
pub(super) struct Administrators {
    pub(super) names: BTreeSet<String>,
}

impl Administrators {
    /// Returns root, the users that sudoers names, and the members of the groups that it names.
    pub(super) fn find(sudoers: &Sudoers) -> Self {
        let (users, groups) = sudoers.users_and_groups();
        let mut names = BTreeSet::from(["root".to_owned()]);
        names.extend(users);
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        for group in groups.iter().map(String::as_str).chain(ADMIN_GROUPS) {
            if let Ok(Some(group)) = Group::from_name(group) {
                names.extend(group.mem);
                names.extend(primary_members(&passwd, group.gid.as_raw()));
            }
        }
        Self { names }
    }

    /// Returns which administrators each protected service would refuse. It is a problem when that
    /// is all of them, or all except those that sshd refuses anyway (`closed`).
    pub(super) fn locked_out(
        &self,
        protected: &[Protected],
        config: Option<&Config>,
        mapping: &Mapping,
        closed: &BTreeSet<String>,
    ) -> Vec<Finding> {
        if protected.is_empty() {
            return Vec::new();
        }
        let refusing = |name: &str| -> Vec<&str> {
            let refusing = |stack: &&Protected| {
                let config = stack.own.config.as_ref().or(config);
                refuses(
                    stack,
                    name,
                    config,
                    stack.own.mapping.as_ref().unwrap_or(mapping),
                )
            };
            let stacks = protected.iter().filter(refusing);
            stacks.map(|stack| stack.service.as_str()).collect()
        };
        let all = self
            .names
            .iter()
            .map(|name| (shown_name(name), refusing(name)));
        let (free, locked_out): (Vec<_>, Vec<_>) =
            all.partition(|(_, refusing)| refusing.is_empty());
        let of_sshd = protected.iter().find(|stack| stack.is_of_sshd);
        let of_sshd = of_sshd.map_or("", |stack| stack.service.as_str());
        let mut open = locked_out.iter().filter(|(name, _)| !closed.contains(name));
        let is_shut = !free.is_empty()
            && free.iter().all(|(name, _)| closed.contains(name))
            && open.any(|(_, refusing)| refusing.contains(&of_sshd));

        let mut findings: Vec<_> = locked_out
            .iter()
            .map(|(name, refusing)| {
                let is_enrolled = mapping.find(name) != Entry::Absent;
                without_factor(name, is_enrolled, refusing, free.is_empty())
            })
            .collect();
        findings.push(if free.is_empty() {
            let is_enrolled = |name: &String| mapping.find(name) != Entry::Absent;
            none_free(self.names.iter().any(is_enrolled))
        } else {
            let is_let_in = |name: &str| of_sshd.is_empty() || !closed.contains(name);
            let names: Vec<_> = free.iter().map(|(name, _)| name.as_str()).collect();
            some_free(&names, is_shut, is_let_in)
        });
        findings
    }
}

/// No administrator has a factor for every protected service.
fn none_free(is_one_enrolled: bool) -> Finding {
    let message = if is_one_enrolled {
        "no administrator of this host has a factor for every protected service"
    } else {
        "no administrator of this host is enrolled: all are locked out"
    };
    Finding::problem("people", message).hint("enroll an administrator before you enable the module")
}

/// These administrators have a factor; sshd may let none of them in. `is_shut`: it would let others
/// in, who have none.
fn some_free(all: &[&str], is_shut: bool, is_let_in: impl Fn(&str) -> bool) -> Finding {
    let open: Vec<_> = all.iter().copied().filter(|name| is_let_in(name)).collect();
    let names = all.join(", ");
    if is_shut {
        let message = format!("no administrator whom sshd lets in is enrolled, only {names}");
        let hint = "enroll one who can log in over ssh before you enable the module";
        Finding::problem("people", message).hint(hint)
    } else if open.is_empty() {
        let message = format!("sshd lets no administrator in: {names}");
        let hint = "look at PermitRootLogin, AllowUsers, DenyGroups and the like, shells, and accounts \
             that have expired";
        Finding::warning("people", message).hint(hint)
    } else {
        let names = open.join(", ");
        Finding::ok("people", format!("administrators who can log in: {names}"))
    }
}

fn without_factor(name: &str, is_enrolled: bool, refusing: &[&str], is_problem: bool) -> Finding {
    let refusing = refusing.join(", ");
    let message = if is_enrolled {
        format!("{name} has no factor that can be used, and so cannot use {refusing}")
    } else {
        format!("{name} is not enrolled and cannot use {refusing}")
    };
    let finding = if is_problem {
        Finding::problem("people", message)
    } else {
        Finding::warning("people", message)
    };
    let only_if = match name {
        "root" => "only if root is to log in there: ",
        _ => "",
    };
    finding.hint(format!(
        "{only_if}authyctl enroll {name} --totp, --phone +E164 or --authy-id N"
    ))
}

/// Returns the accounts whose primary group is `gid`; the member list of a group does not name
/// them.
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

/// Who needs no entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leniency {
    pub(super) unenrolled: Fallback,
    /// The last day of `enroll_by`, where it is not over.
    pub(super) enroll_by: Option<Date>,
}

impl Default for Leniency {
    fn default() -> Self {
        Self {
            unenrolled: Fallback::Deny,
            enroll_by: None,
        }
    }
}

/// Returns what a login to `stack` requires, decided by the function that the module uses. The
/// person of a shared account is known from the SSH key of the login, which only sshd passes on.
///
/// # Errors
/// The account database could not be read.
pub(super) fn requirement(
    stack: &Protected,
    name: &str,
    address: Option<IpAddr>,
    config: Option<&Config>,
    mapping: Option<&Mapping>,
) -> Result<Requirement, LookupFailed> {
    let leniency = Leniency {
        unenrolled: if stack.passes_unenrolled {
            Fallback::Ignore
        } else {
            Fallback::Deny
        },
        enroll_by: stack.enroll_by,
    };
    requirement_for(stack.as_service(), leniency, name, address, config, mapping)
}

/// The same for a service, with this leniency. An account whose history cannot be read has none.
///
/// # Errors
/// The account database could not be read.
pub(super) fn requirement_for(
    service: Service<'_>,
    leniency: Leniency,
    name: &str,
    address: Option<IpAddr>,
    config: Option<&Config>,
    mapping: Option<&Mapping>,
) -> Result<Requirement, LookupFailed> {
    let attempt = Attempt {
        user: name.to_owned(),
        service: service.name.to_owned(),
        address,
        ..Attempt::default()
    };
    let no_exemption = Exempt::default();
    let query = RequirementQuery {
        attempt: &attempt,
        subject: name,
        exempt: config.map_or(&no_exemption, |config| &config.exempt),
        unenrolled: leniency.unenrolled,
        enroll_by: leniency.enroll_by,
        providers: providers(service, config),
    };
    let was_enrolled = || {
        config.is_some_and(|config| {
            former::was_enrolled(&config.paths.state, name).unwrap_or_default()
        })
    };
    query.requirement(
        |groups| account::group_of(name, groups),
        || Ok(mapping.map_or(Entry::Absent, |mapping| mapping.find(name))),
        || account::spelling(name),
        || Ok(was_enrolled()),
    )
}

/// Without a configuration, nothing is known about what this host can check.
pub(super) fn providers(service: Service<'_>, config: Option<&Config>) -> Providers {
    config.map_or(
        Providers {
            authy: true,
            twilio: true,
            totp: true,
            sends: true,
            security_keys: service.is_of_sshd,
        },
        |config| connect::providers(config, &config.login(service.name)),
    )
}

/// Whether a login needs the second factor: no rule exempts it, and none lets the unenrolled in.
pub(super) fn needs_factor(
    stack: &Protected,
    name: &str,
    address: Option<IpAddr>,
    config: Option<&Config>,
    mapping: Option<&Mapping>,
) -> bool {
    !matches!(
        requirement(stack, name, address, config, mapping),
        Ok(Requirement::Exempt(_)
            | Requirement::NotEnrolledAllowed
            | Requirement::NotEnrolledYet(_))
    )
}

/// Whether `stack` refuses `name` whatever is typed.
fn refuses(stack: &Protected, name: &str, config: Option<&Config>, mapping: &Mapping) -> bool {
    match requirement(stack, name, None, config, Some(mapping)) {
        Ok(
            Requirement::Exempt(_)
            | Requirement::NotEnrolledAllowed
            | Requirement::NotEnrolledYet(_)
            | Requirement::Person { .. },
        ) => false,
        Ok(Requirement::NoMatchingKey(_)) => {
            let providers = providers(stack.as_service(), config);
            !stack.is_of_sshd || !has_supported_person(&mapping.find(name), providers)
        }
        Ok(
            Requirement::Decoy
            | Requirement::InvalidEntry { .. }
            | Requirement::NoSupportedFactor(_),
        )
        | Err(_) => true,
    }
}

/// Whether this host can check a factor of someone who shares the account.
fn has_supported_person(entry: &Entry, providers: Providers) -> bool {
    match entry {
        Entry::Shared(shared) => {
            let mut people = shared.keys.values();
            people.any(|person| person.has_supported(providers))
        }
        Entry::Enrolled(_) | Entry::Invalid { .. } | Entry::Removed { .. } | Entry::Absent => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_whose_entry_is_of_no_use_is_not_called_unenrolled() {
        let said =
            |is_enrolled| without_factor("pat", is_enrolled, &["sshd", "sudo"], true).message;
        assert_eq!(said(false), "pat is not enrolled and cannot use sshd, sudo");
        let unusable = "pat has no factor that can be used, and so cannot use sshd, sudo";
        assert_eq!(said(true), unusable);
    }

    #[test]
    fn members_by_primary_group_are_found() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:27::/home/alice:/bin/sh\nbroken\n";
        assert_eq!(primary_members(passwd, 27), ["alice"]);
    }
}
