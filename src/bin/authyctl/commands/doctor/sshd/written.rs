//! Where a setting of sshd is written: the file and line that its value for one login comes from.
//! The value itself is what sshd says.
//!
//! Source: sshd_config(5). The first line counts; those in Match blocks that apply win over those
//! outside. A block ends with its file, and an Include in a block that does not apply brings
//! nothing.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use nix::unistd::User;
use pam_authy::host::address::Network;

use super::access::groups;
use super::ask::Settings;
use super::conditions::{self, Connection, DEPTH, criteria};
use super::text::{included, matches, words};

/// Names that sshd had before for a setting, with the one of today.
const OLD_NAMES: [(&str, &str); 2] = [
    (
        "challengeresponseauthentication",
        "kbdinteractiveauthentication",
    ),
    ("skeyauthentication", "kbdinteractiveauthentication"),
];

/// Returns where one of the settings `names` has the value that sshd has printed, as `FILE:LINE`;
/// the first of them that is written anywhere, or else sshd's own file.
pub(super) fn place(
    names: &[&str],
    settings: &Settings,
    user: &str,
    connection: &Connection,
) -> String {
    let file = conditions::main_file(Path::new(super::CONFIG));
    let places = names.iter().filter_map(|name| {
        let mut search = Search {
            name,
            value: settings.get(*name)?,
            user,
            connection,
            in_block: None,
            outside: None,
        };
        search.read(file, 0, Part::Outside);
        search.in_block.or(search.outside)
    });
    let mut places = places;
    places.next().unwrap_or_else(|| file.display().to_string())
}

/// Which part of sshd's settings a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    /// A Match block that applies, for all that is known.
    Block,
    /// A Match block that does not.
    OtherBlock,
}

/// The search for one setting.
struct Search<'a> {
    /// Its name in lower case.
    name: &'a str,
    value: &'a str,
    user: &'a str,
    connection: &'a Connection,
    in_block: Option<String>,
    outside: Option<String>,
}

impl Search<'_> {
    fn read(&mut self, file: &Path, depth: usize, mut part: Part) {
        let includer = part;
        let content = fs::read(file).unwrap_or_default();
        for (number, line) in String::from_utf8_lossy(&content).lines().enumerate() {
            let words = words(line);
            let Some((name, values)) = words.split_first() else {
                continue;
            };
            let name = name.to_ascii_lowercase();
            if name == "match" {
                let applies = includer != Part::OtherBlock && self.applies(values);
                part = if applies {
                    Part::Block
                } else {
                    Part::OtherBlock
                };
            } else if name == "include" && depth < DEPTH {
                let patterns = values.iter();
                for file in patterns.flat_map(|pattern| included(pattern, Path::to_owned)) {
                    self.read(&file, depth + 1, part);
                }
            } else if self.is_wanted(&name, values) {
                let found = match part {
                    Part::Outside => &mut self.outside,
                    Part::Block => &mut self.in_block,
                    Part::OtherBlock => continue,
                };
                found.get_or_insert_with(|| format!("{}:{}", file.display(), number + 1));
            }
        }
    }

    fn is_wanted(&self, name: &str, values: &[String]) -> bool {
        let today = OLD_NAMES.iter().find(|(old, _)| *old == name);
        let name = today.map_or(name, |(_, today)| today);
        name == self.name && values.join(" ").eq_ignore_ascii_case(self.value)
    }

    /// Whether a Match line applies to the login; an unknown criterion is taken to apply.
    fn applies(&self, words: &[String]) -> bool {
        let connection = self.connection;
        let meets = |(name, patterns): (String, String)| match name.as_str() {
            "user" => is_listed(&patterns, |pattern| matches(pattern, self.user)),
            "group" => {
                let groups = groups(self.user);
                is_listed(&patterns, |pattern| {
                    groups.iter().any(|group| matches(pattern, group))
                })
            }
            "host" => is_listed(&patterns, |pattern| {
                matches(&pattern.to_lowercase(), &connection.host.to_lowercase())
            }),
            "address" => is_listed(&patterns, |pattern| is_in(pattern, &connection.address)),
            "localaddress" => is_listed(&patterns, |pattern| {
                is_in(pattern, &connection.local_address)
            }),
            "localport" => is_listed(&patterns, |pattern| pattern == connection.local_port),
            "rdomain" => is_listed(&patterns, |pattern| {
                matches(pattern, &connection.routing_domain)
            }),
            "invalid-user" => !matches!(User::from_name(self.user), Ok(Some(_))),
            _ => true,
        };
        criteria(words).into_iter().all(meets)
    }
}

/// Whether a list has a pattern that matches, and none after `!` that does.
fn is_listed(patterns: &str, matches: impl Fn(&str) -> bool) -> bool {
    let mut is_found = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern) => return false,
            Some(_) => {}
            None => is_found |= matches(pattern),
        }
    }
    is_found
}

/// Whether an address is in a network, or matches a pattern.
fn is_in(pattern: &str, address: &str) -> bool {
    match (pattern.parse::<Network>(), address.parse::<IpAddr>()) {
        (Ok(network), Ok(address)) => network.contains(address),
        _ => matches(pattern, address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_sshd() {
        for (patterns, text, expected) in [
            ("pat", "pat", true),
            ("pat", "patrick", false),
            ("p*k", "patrick", true),
            ("p?t,x", "pat", true),
            ("*,!pat", "pat", false),
            ("!sam", "pat", false),
            ("*", "", true),
            ("?*", "", false),
        ] {
            let found = is_listed(patterns, |pattern| matches(pattern, text));
            assert_eq!(found, expected, "{patterns} {text}");
        }
        assert!(is_in("10.0.0.0/8", "10.1.2.3") && is_in("10.*", "10.1.2.3"));
        assert!(!is_in("fd00::/8", "10.1.2.3"));
    }
}
