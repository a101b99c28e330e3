//! Who administers this host, and whether they could still log in.

use std::collections::BTreeSet;
use std::fs;

use nix::unistd::Group;
use pam_authy::text;
use pam_authy::users::{Entry, Mapping};

use super::{Check, Protected};

/// Groups whose members may use sudo by the habit of distributions.
const ADMIN_GROUPS: [&str; 3] = ["sudo", "wheel", "admin"];

/// Root, and everybody who may use sudo.
pub(super) struct People {
    pub(super) admins: BTreeSet<String>,
}

impl People {
    /// Looks into the groups and sudoers.
    pub(super) fn find() -> Self {
        let mut admins = BTreeSet::from(["root".to_owned()]);
        let mut files = vec!["/etc/sudoers".into()];
        files.extend(
            fs::read_dir("/etc/sudoers.d")
                .into_iter()
                .flatten()
                .flatten()
                .map(|e| e.path()),
        );
        let text: String = files
            .iter()
            .map(|file: &std::path::PathBuf| fs::read_to_string(file).unwrap_or_default() + "\n")
            .collect();
        let (users, groups) = sudoers(&text);
        admins.extend(users);
        for group in groups.iter().map(String::as_str).chain(ADMIN_GROUPS) {
            if let Ok(Some(group)) = Group::from_name(group) {
                admins.extend(group.mem);
            }
        }
        Self { admins }
    }
}

/// The users and groups whom lines of sudoers name first.
fn sudoers(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines().map(str::trim) {
        let first = line.split_whitespace().next().unwrap_or_default();
        let is_rule = line.contains('=')
            && !first.starts_with(['#', '@', '\\'])
            && !first.starts_with("Defaults")
            && !first.ends_with("_Alias");
        if !is_rule {
            continue;
        }
        for name in first.split(',') {
            match name.strip_prefix('%') {
                Some(group) => groups.insert(group.to_owned()),
                None => name != "ALL" && users.insert(name.to_owned()),
            };
        }
    }
    (users, groups)
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
    fn users_and_groups_of_sudoers_are_found() {
        let text = "Defaults env_reset\n# x ALL=(ALL) ALL\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\nalice,bob ALL=(root) /bin/ls\nUser_Alias X = y\n@includedir /etc/sudoers.d\n";
        let (users, groups) = sudoers(text);
        assert_eq!(
            users.into_iter().collect::<Vec<_>>(),
            ["alice", "bob", "root"]
        );
        assert_eq!(groups.into_iter().collect::<Vec<_>>(), ["sudo"]);
    }
}
