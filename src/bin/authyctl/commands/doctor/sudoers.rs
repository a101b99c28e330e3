//! sudoers as far as doctor needs it: its lines, the users and groups that they name, and two
//! settings.
//!
//! Source: sudoers(5). Reads the files that sudo reads: /etc/sudoers and its includes, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User};

/// The limit of nested includes, as in sudo.
const DEPTH: usize = 128;

/// All lines of sudoers; a continued line is joined with the next.
#[derive(Debug, Default)]
pub(super) struct Sudoers(Vec<Line>);

/// A line that is not a comment.
#[derive(Debug)]
struct Line {
    place: String,
    text: String,
}

impl Sudoers {
    /// Reads `file` and its includes. Skips files that cannot be read, as sudo does.
    pub(super) fn read(file: &Path) -> Self {
        let mut all = Self::default();
        all.add(file, 0);
        all
    }

    fn add(&mut self, file: &Path, depth: usize) {
        let bytes = fs::read(file).unwrap_or_default();
        for (number, text) in lines(&String::from_utf8_lossy(&bytes)) {
            for included in included(file, &text) {
                if depth < DEPTH {
                    self.add(&included, depth + 1);
                }
            }
            if !text.starts_with(['#', '@']) || uid(&text).is_some() {
                let place = format!("{}:{number}", file.display());
                self.0.push(Line { place, text });
            }
        }
    }

    /// Returns the users and the groups that rules name, with aliases resolved; `ALL` names none.
    pub(super) fn users_and_groups(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let aliases = self.aliases();
        let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
        let rules = self.0.iter().filter(|line| line.is_rule());
        let mut names: Vec<_> = rules.flat_map(|line| line.first_list()).collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = names.pop() {
            if !seen.insert(name.clone()) || name == "ALL" || name.starts_with(['!', '+']) {
                continue;
            }
            if let Some(members) = aliases.get(&name) {
                names.extend(members.iter().cloned());
            } else if let Some(group) = name.strip_prefix('%') {
                groups.extend(group_name(group));
            } else if let Some(id) = uid(&name) {
                users.extend(User::from_uid(id).ok().flatten().map(|user| user.name));
            } else {
                users.insert(name);
            }
        }
        (users, groups)
    }

    /// Returns the members of each `User_Alias`.
    fn aliases(&self) -> BTreeMap<String, Vec<String>> {
        let lines = self
            .0
            .iter()
            .filter_map(|line| line.text.strip_prefix("User_Alias"));
        // `User_Alias A = x, y : B = z`
        let parts = lines.flat_map(|rest| rest.split(':'));
        let pairs = parts.filter_map(|part| part.split_once('='));
        pairs
            .map(|(name, list)| (name.trim().to_owned(), names(list)))
            .collect()
    }

    /// Returns the places where `passprompt_override` is switched on.
    pub(super) fn prompt_overrides(&self) -> Vec<&str> {
        let lines = self.0.iter().filter(|line| line.is_default());
        lines
            .filter(|line| {
                line.settings()
                    .any(|setting| setting == "passprompt_override")
            })
            .map(|line| line.place.as_str())
            .collect()
    }

    /// Returns each `passwd_tries` with its place.
    pub(super) fn tries(&self) -> Vec<(&str, u32)> {
        let lines = self.0.iter().filter(|line| line.is_default());
        let each = |line: &Line| {
            line.settings()
                .filter_map(|setting| {
                    setting
                        .strip_prefix("passwd_tries")?
                        .trim_start()
                        .strip_prefix('=')
                })
                .find_map(|number| number.trim().parse().ok())
        };
        lines
            .filter_map(|line| Some((line.place.as_str(), each(line)?)))
            .collect()
    }
}

impl Line {
    fn is_default(&self) -> bool {
        self.text.starts_with("Defaults")
    }

    /// Whether this is a rule: `USERS HOSTS = …`.
    fn is_rule(&self) -> bool {
        let first = self.text.split_whitespace().next().unwrap_or_default();
        self.text.contains('=') && !self.is_default() && !first.ends_with("_Alias")
    }

    /// Returns the users of a rule: names between commas, where only commas have spaces around
    /// them.
    fn first_list(&self) -> Vec<String> {
        let mut list = String::new();
        for word in self.text.replace(',', " , ").split_whitespace() {
            if !list.is_empty() && !list.ends_with(',') && word != "," {
                break;
            }
            list.push_str(word);
        }
        names(&list)
    }

    /// Returns the settings of a `Defaults` line.
    fn settings(&self) -> impl Iterator<Item = &str> {
        let list = self
            .text
            .split_once(char::is_whitespace)
            .map_or("", |(_, list)| list);
        list.split(',').map(str::trim)
    }
}

/// Splits a list of names at its commas, and removes quotes.
fn names(list: &str) -> Vec<String> {
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Parses `#1000`.
fn uid(name: &str) -> Option<Uid> {
    let digits = name.strip_prefix('#')?.split([',', ' ', '\t']).next()?;
    digits.parse().ok().map(Uid::from_raw)
}

/// Returns the name of the group `wheel` or `#10`; `None` for a group of another database
/// (`:name`).
fn group_name(group: &str) -> Option<String> {
    match group.strip_prefix('#') {
        Some(id) => {
            let group = Group::from_gid(Gid::from_raw(id.parse().ok()?));
            group.ok().flatten().map(|group| group.name)
        }
        None => (!group.starts_with(':')).then(|| group.to_owned()),
    }
}

/// Returns the files that a line includes. In a folder, sudo skips names with a dot or `~`.
fn included(file: &Path, line: &str) -> Vec<PathBuf> {
    let mut words = line.split_whitespace();
    let directive = words
        .next()
        .unwrap_or_default()
        .trim_start_matches(['#', '@']);
    let Some(target) = words.next().filter(|_| line.starts_with(['#', '@'])) else {
        return Vec::new();
    };
    let target = file
        .parent()
        .unwrap_or(Path::new("/"))
        .join(target.trim_matches('"'));
    match directive {
        "include" => vec![target],
        "includedir" => {
            let entries = fs::read_dir(&target).into_iter().flatten().flatten();
            let mut files: Vec<_> = entries
                .filter(|entry| !entry.file_name().to_string_lossy().contains(['.', '~']))
                .map(|entry| entry.path())
                .filter(|path| path.is_file())
                .collect();
            files.sort();
            files
        }
        _ => Vec::new(),
    }
}

/// Returns the lines with their numbers. Joins continued lines, and removes empty ones and what
/// follows ` #`; `#include` and `#1000` stay.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_continued = false;
    for (at, line) in text.lines().enumerate() {
        let (part, continued) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match found.last_mut().filter(|_| is_continued) {
            Some((_, line)) => line.push_str(part),
            None => found.push((at + 1, part.to_owned())),
        }
        is_continued = continued;
    }
    for (_, line) in &mut found {
        let trimmed = line.trim();
        let comment = trimmed.find(" #").unwrap_or(trimmed.len());
        *line = trimmed
            .get(..comment)
            .unwrap_or(trimmed)
            .trim_end()
            .to_owned();
    }
    found.retain(|(_, line)| !line.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sudoers(files: &[(&str, &str)]) -> Sudoers {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Sudoers::read(&folder.path().join("sudoers"))
    }

    fn named(text: &str) -> (Vec<String>, Vec<String>) {
        let (users, groups) = sudoers(&[("sudoers", text)]).users_and_groups();
        (users.into_iter().collect(), groups.into_iter().collect())
    }

    #[test]
    fn users_and_groups_of_rules_are_found() {
        let text = "Defaults env_reset\n# x ALL=(ALL) ALL\nroot ALL=(ALL:ALL) ALL\n\
                    %sudo ALL=(ALL:ALL) ALL\nalice,bob ALL=(root) /bin/ls # not carol\n\
                    dan , \"erin\" \\\n ALL = ALL\nALL ALL=(ALL) /bin/true\n!zoe ALL=ALL\n#0 ALL=ALL\n";
        let (users, groups) = named(text);
        assert_eq!(users, ["alice", "bob", "dan", "erin", "root"]);
        assert_eq!(groups, ["sudo"]);
    }

    #[test]
    fn aliases_are_resolved_and_may_be_circular() {
        let text = "User_Alias OPS = alice, MORE : MORE = bob, %wheel, OPS\nOPS ALL=(ALL) ALL\n";
        let (users, groups) = named(text);
        assert_eq!(
            (users, groups),
            (vec!["alice".into(), "bob".into()], vec!["wheel".into()])
        );
    }

    #[test]
    fn files_that_sudo_includes_are_read_and_those_it_skips_are_not() {
        let all = sudoers(&[
            (
                "sudoers",
                "@includedir d\n#include more\n@include sudoers\n",
            ),
            (
                "d/10-ops",
                "alice ALL=ALL\nDefaults passwd_tries = 9, passprompt_override\n",
            ),
            ("d/old.bak", "mallory ALL=ALL\n"),
            ("d/edited~", "mallory ALL=ALL\n"),
            ("more", "bob ALL=ALL\nDefaults:bob !passprompt_override\n"),
        ]);
        let (users, _) = all.users_and_groups();
        assert_eq!(users.into_iter().collect::<Vec<_>>(), ["alice", "bob"]);
        let (places, tries) = (all.prompt_overrides(), all.tries());
        assert!(places[0].ends_with("d/10-ops:2"), "{places:?}");
        assert!(tries.iter().all(|(_, tries)| *tries == 9), "{tries:?}");
    }
}
