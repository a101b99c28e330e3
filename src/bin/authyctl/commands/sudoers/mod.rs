//! sudoers as sudo itself parses it: `parse` reads what `cvtsudoers -f json` prints. The JSON has
//! no line numbers, so `places` reads the lines separately. `unasked` says which users sudo does
//! not ask.

mod parse;
mod places;
mod unasked;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use pam_authy::base::text::sanitize;
use pam_authy::host::account;

use self::parse::{Document, Member, Where};
use self::places::{Binding, Places};
use super::program;

/// Where sudo reads its rules.
pub(crate) const SUDOERS: &str = "/etc/sudoers";
const CVTSUDOERS: [&str; 3] = [
    "/usr/bin/cvtsudoers",
    "/usr/sbin/cvtsudoers",
    "/usr/local/bin/cvtsudoers",
];
/// Settings that name a PAM service. sudo-rs skips them: its service is always `sudo`, or `sudo-i`
/// in some builds.
const SERVICES: [&str; 3] = ["pam_service", "pam_login_service", "pam_askpass_service"];
const NSSWITCH: &str = "/etc/nsswitch.conf";

/// The rules of sudo.
#[derive(Debug, Default)]
pub(crate) struct Sudoers {
    document: Document,
    places: Places,
    /// Why nothing, or not everything, is known.
    pub(crate) unknown: Option<String>,
}

/// A setting that changes what sudo asks for, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    /// The value; `None` for a switch.
    pub(crate) value: Option<String>,
    pub(crate) place: String,
}

impl Sudoers {
    /// Reads `file` and what it includes; blocks until cvtsudoers has ended, five seconds at most.
    /// Without it nothing is known, and [`Sudoers::unknown`] says why.
    pub(crate) fn read(file: &Path) -> Self {
        let places = Places::read(file);
        match document(file) {
            Ok(mut document) => {
                let settings = document.defaults.iter_mut();
                for setting in settings.filter(|setting| SERVICES.contains(&setting.name.as_str()))
                {
                    // As libpam does.
                    setting.value = setting
                        .value
                        .as_ref()
                        .map(|value| value.to_ascii_lowercase());
                }
                let is_unknown = |name: &str| SERVICES.contains(&name);
                let mut defaults = document.defaults.iter();
                if defaults.any(|default| is_unknown(&default.name)) && is_sudo_rs() {
                    document
                        .defaults
                        .retain(|default| !is_unknown(&default.name));
                }
                Self {
                    document,
                    places,
                    unknown: other_source(),
                }
            }
            Err(why) => Self {
                places,
                unknown: Some(why),
                ..Self::default()
            },
        }
    }

    /// Returns the users and the groups that rules name; `ALL` names none.
    pub(crate) fn users_and_groups(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
        let rules = self.document.rules.iter();
        let here = rules.filter(|rule| rule.host != Where::Elsewhere);
        let named = here.flat_map(|rule| &rule.users);
        for (member, is_negated) in named {
            match member {
                _ if *is_negated => {}
                Member::User(name) => {
                    users.insert(name.clone());
                }
                Member::Group(name) => {
                    groups.insert(name.clone());
                }
                Member::All | Member::Other => {}
            }
        }
        (users, groups)
    }

    /// Returns each use of a setting that is switched on, or has a value, for at least one user.
    pub(crate) fn settings(&self, name: &str) -> Vec<Setting> {
        self.find(name, |_| true)
    }

    /// Whether a setting has a value for every user.
    pub(crate) fn is_set_for_all(&self, name: &str) -> bool {
        !self
            .find(name, |used| used.default.binding.is_empty())
            .is_empty()
    }

    /// Returns each use of a setting that applies to `user`, whatever the command and its user.
    pub(crate) fn settings_for(&self, name: &str, user: &str) -> Vec<Setting> {
        self.find(name, |used| used.is_for(user))
    }

    fn find(&self, name: &str, applies: impl Fn(&Use<'_>) -> bool) -> Vec<Setting> {
        let used = self.uses(name).into_iter();
        used.filter(|used| used.default.is_on && applies(used))
            .map(|used| Setting {
                name: name.to_owned(),
                value: used.default.value.clone(),
                place: used.place,
            })
            .collect()
    }

    /// Returns each use of a setting, on or off, but those that a later one replaces: sudo goes
    /// through them in order, with those for commands last.
    fn uses(&self, name: &str) -> Vec<Use<'_>> {
        let defaults = self.document.defaults.iter();
        let defaults: Vec<_> = defaults.filter(|default| default.name == name).collect();
        let mut places = self.places.of_setting(name);
        if places.len() != defaults.len() {
            places = vec![(self.places.file(), Binding::Callers); defaults.len()];
        }
        let all: Vec<_> = defaults
            .into_iter()
            .zip(places)
            .map(|(default, (place, binding))| Use {
                default,
                place,
                binding,
            })
            .collect();
        let mut found = Vec::new();
        let mut rest = all.into_iter();
        while let Some(used) = rest.next() {
            let is_elsewhere =
                used.binding == Binding::Hosts && used.default.host == Where::Elsewhere;
            if !is_elsewhere && !rest.as_slice().iter().any(|later| later.replaces(&used)) {
                found.push(used);
            }
        }
        found
    }
}

/// One use of a setting.
#[derive(Debug)]
struct Use<'a> {
    default: &'a parse::Default,
    place: String,
    binding: Binding,
}

impl Use<'_> {
    /// Whether this one, which is later, replaces another of the same setting.
    fn replaces(&self, other: &Self) -> bool {
        let (own, others) = (&self.default.binding, &other.default.binding);
        let is_other = |(member, _): &(Member, bool)| *member == Member::Other;
        if self.binding == Binding::Commands || other.binding == Binding::Commands {
            return false;
        }
        own.is_empty()
            || self.binding == other.binding && own == others && !own.iter().any(is_other)
    }

    /// Whether the setting is for a user, whatever the command and its user.
    fn is_for(&self, user: &str) -> bool {
        match self.binding {
            Binding::Callers => matches(&self.default.binding, user, true),
            Binding::Hosts => self.default.host == Where::Here,
            Binding::Targets | Binding::Commands => false,
        }
    }

    /// Returns a text with the users of the setting.
    fn who(&self) -> String {
        let members = shown(&self.default.binding);
        match self.binding {
            Binding::Callers => members,
            Binding::Targets => format!("everybody who becomes {members}"),
            Binding::Commands => "everybody who runs some of the commands".to_owned(),
            Binding::Hosts => "everybody on some of the hosts".to_owned(),
        }
    }
}

fn setting(name: &str, place: String) -> Setting {
    Setting {
        name: name.to_owned(),
        value: None,
        place,
    }
}

/// Returns the members of a list as sudoers writes them.
fn shown(members: &[(Member, bool)]) -> String {
    let names: Vec<_> = members
        .iter()
        .map(|(member, is_negated)| {
            let sign = if *is_negated { "!" } else { "" };
            match member {
                Member::All => format!("{sign}ALL"),
                Member::User(name) => format!("{sign}{}", sanitize(name)),
                Member::Group(name) => format!("{sign}%{}", sanitize(name)),
                Member::Other => format!("{sign}others"),
            }
        })
        .collect();
    if names.is_empty() {
        return "everybody".to_owned();
    }
    names.join(", ")
}

/// Whether a list of members has `user`; the last one that does decides. `empty` is the answer for
/// an empty list.
fn matches(members: &[(Member, bool)], user: &str, empty: bool) -> bool {
    let mut found = empty && members.is_empty();
    for (member, is_negated) in members {
        let is_member = match member {
            Member::All => true,
            Member::User(name) => name == user,
            Member::Group(name) => {
                account::group_of(user, std::slice::from_ref(name)).is_ok_and(|g| g.is_some())
            }
            Member::Other => false,
        };
        if is_member {
            found = !is_negated;
        }
    }
    found
}

/// Has cvtsudoers parse a file.
fn document(file: &Path) -> Result<Document, String> {
    let program = CVTSUDOERS.iter().find(|path| Path::new(path).exists());
    let Some(program) = program else {
        let what = if is_sudo_rs() {
            "sudo is sudo-rs, which has no cvtsudoers"
        } else {
            "cvtsudoers is not installed"
        };
        return Err(what.to_owned());
    };
    let mut command = Command::new(program);
    // Without a configuration of its own; with aliases resolved.
    command.args(["-c", "", "-e", "-f", "json"]).arg(file);
    let output = program::run(&mut command).map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = sanitize(said.lines().next().unwrap_or("it failed"));
        return Err(format!("{program}: {line}"));
    }
    Document::parse(&output.stdout).ok_or_else(|| format!("{program}: its answer is not known"))
}

/// Whether `sudo` is sudo-rs, which says so in its version.
fn is_sudo_rs() -> bool {
    let output = program::run(Command::new("/usr/bin/sudo").arg("--version"));
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("sudo-rs"))
}

/// Returns why rules may come from elsewhere: sss or LDAP.
fn other_source() -> Option<String> {
    let text = std::fs::read_to_string(NSSWITCH).unwrap_or_default();
    let line = text.lines().enumerate().find_map(|(number, line)| {
        Some((number + 1, line.trim().strip_prefix("sudoers:")?.to_owned()))
    });
    let (number, sources) = line?;
    let mut sources = sources.split_whitespace();
    let other = sources.find(|source| ["sss", "ldap"].contains(source))?;
    Some(format!(
        "{NSSWITCH}:{number}: rules may come from {other} as well"
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sudoers(text: &str) -> (tempfile::TempDir, Sudoers) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sudoers");
        fs::write(&file, text).unwrap();
        let sudoers = Sudoers::read(&file);
        assert_eq!(sudoers.unknown, None, "{text}");
        (folder, sudoers)
    }

    #[test]
    fn users_and_groups_are_those_that_sudo_itself_finds() {
        let text = "Defaults env_reset\n# x ALL=(ALL) ALL\nroot ALL=(ALL:ALL) ALL\n\
                    %sudo ALL=(ALL:ALL) ALL\n%domain\\ admins ALL=(ALL) ALL\n\
                    alice,bob ALL=(root) /bin/ls # not carol\ndan , \"erin\" \\\n ALL = ALL\n\
                    ALL ALL=(ALL) /bin/true\n!zoe ALL=ALL\n#0 ALL=ALL\n\
                    User_Alias OPS = fred, MORE : MORE = gus, %wheel\nOPS ALL=(ALL) ALL\n";
        let (_folder, sudoers) = sudoers(text);
        let (users, groups) = sudoers.users_and_groups();
        let users: Vec<_> = users.into_iter().collect();
        let expected = ["alice", "bob", "dan", "erin", "fred", "gus", "root"];
        assert_eq!(users, expected);
        let groups: Vec<_> = groups.into_iter().collect();
        assert_eq!(groups, ["domain admins", "sudo", "wheel"]);
    }

    #[test]
    fn each_setting_is_found_with_its_line_and_for_whom_it_is() {
        let text = "Defaults\tpassprompt_override\t# own prompt\nDefaults targetpw   # x\n\
                    Defaults:root !passprompt_override\n# Defaults rootpw\n\
                    Defaults:pat passwd_tries=9, \\\n pam_service=sudo-mfa\nDefaults !rootpw\n";
        let (folder, sudoers) = sudoers(text);
        let file = folder.path().join("sudoers");
        let places = |settings: Vec<Setting>| -> Vec<String> {
            settings.into_iter().map(|setting| setting.place).collect()
        };
        let at = |line: usize| format!("{}:{line}", file.display());
        assert_eq!(places(sudoers.settings("passprompt_override")), [at(1)]);
        assert_eq!(places(sudoers.settings("targetpw")), [at(2)]);
        assert!(sudoers.settings("rootpw").is_empty());
        let service = sudoers.settings("pam_service");
        assert_eq!(service[0].value.as_deref(), Some("sudo-mfa"));
        assert_eq!(places(service), [at(5)]);
        assert!(sudoers.settings_for("passwd_tries", "root").is_empty());
        assert_eq!(places(sudoers.settings_for("passwd_tries", "pat")), [at(5)]);
    }

    #[test]
    fn who_is_not_asked_is_found_with_the_line() {
        let text = "pat ALL=(ALL) ALL\npat ALL=(ALL) NOPASSWD: ALL\nDefaults:root !authenticate\n\
                    Defaults exempt_group=daemon\nDefaults>pat !authenticate\n\
                    Defaults!/bin/ls !authenticate\n";
        let (folder, sudoers) = sudoers(text);
        let file = folder.path().join("sudoers").display().to_string();
        let found: Vec<_> = sudoers
            .without_password()
            .into_iter()
            .map(|(setting, who)| {
                format!(
                    "{}: {} {who}",
                    setting.place.replace(&file, ""),
                    setting.name
                )
            })
            .collect();
        let expected = [
            ":4: exempt_group %daemon",
            ":3: !authenticate root",
            ":5: !authenticate everybody who becomes pat",
            ":6: !authenticate everybody who runs some of the commands",
            ":2: NOPASSWD pat",
        ];
        assert_eq!(found, expected);
        assert!(sudoers.without_password_for("pat").is_some());
        assert!(sudoers.without_password_for("root").is_some());
    }

    #[test]
    fn a_setting_that_a_later_line_replaces_is_none() {
        let rows = [
            ("Defaults !authenticate\nDefaults authenticate\n", 0),
            ("Defaults:pat !authenticate\nDefaults authenticate\n", 0),
            ("Defaults !authenticate\nDefaults:pat authenticate\n", 1),
            ("Defaults:pat !authenticate\nDefaults:pat authenticate\n", 0),
            ("Defaults>pat !authenticate\nDefaults:pat authenticate\n", 1),
            ("Defaults!/bin/ls !authenticate\nDefaults authenticate\n", 1),
        ];
        let mut wrong = Vec::new();
        for (text, expected) in rows {
            let (_folder, sudoers) = sudoers(text);
            let found = sudoers.without_password();
            if found.len() != expected {
                wrong.push(format!("{text}: {found:?}"));
            }
            let none = sudoers.without_password_for("nobody");
            if none.is_some() != (expected == 1) {
                wrong.push(format!("{text}: nobody: {none:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        let (_folder, sudoers) = sudoers("Defaults pam_service=a\nDefaults pam_service=b\n");
        let services = sudoers.settings("pam_service");
        let values: Vec<_> = services
            .iter()
            .map(|setting| setting.value.as_deref())
            .collect();
        assert_eq!(values, [Some("b")]);
    }

    #[test]
    fn what_cvtsudoers_refuses_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sudoers");
        fs::write(&file, "nonsense here\n").unwrap();
        let why = Sudoers::read(&file).unknown.unwrap();
        assert!(why.contains("cvtsudoers: ") && why.contains(":1"), "{why}");
    }
}
