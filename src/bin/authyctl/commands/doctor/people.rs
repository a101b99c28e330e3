//! Who administers this host, and whether they could still log in.

use std::collections::BTreeSet;
use std::fs;

use nix::unistd::Group;
use pam_authy::text;
use pam_authy::users::{Entry, Mapping};

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

/// Root and sudoers without an enrolment, where that means that they are refused.
pub(super) fn locked_out(
    protected: &[Protected],
    mapping: &Mapping,
    people: &People,
) -> Vec<Check> {
    let strict: Vec<_> = protected
        .iter()
        .filter(|p| !p.passes_unenrolled)
        .map(|p| p.service.as_str())
        .collect();
    if strict.is_empty() {
        return Vec::new();
    }
    let (enrolled, missing): (Vec<&String>, Vec<&String>) = people
        .admins
        .iter()
        .partition(|name| matches!(mapping.find(name), Entry::Enrolled(_) | Entry::Shared(_)));
    let mut checks: Vec<_> = missing
        .iter()
        .map(|name| {
            let name = text::clean_to(name, 64);
            let message = format!(
                "{name} is not enrolled and cannot use {}",
                strict.join(", ")
            );
            let check = if enrolled.is_empty() {
                Check::problem("people", message)
            } else {
                Check::warning("people", message)
            };
            check.hint(&format!("authyctl enroll {name} --authy-id N"))
        })
        .collect();
    if enrolled.is_empty() {
        checks.push(
            Check::problem(
                "people",
                "nobody who administers this host is enrolled: all are locked out",
            )
            .hint("enroll one sudoer before you enable the module"),
        );
    } else {
        let names: Vec<_> = enrolled
            .iter()
            .map(|name| text::clean_to(name, 64))
            .collect();
        checks.push(Check::ok(
            "people",
            format!("enrolled administrators: {}", names.join(", ")),
        ));
    }
    checks
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
