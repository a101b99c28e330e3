//! The conditions that Match blocks of sshd's settings name, and a connection for each that meets
//! them. What a block then changes is what sshd itself says.
//!
//! Source: sshd_config(5), Match and PATTERNS in ssh_config(5).

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use super::CONFIG;
use super::text::{included, words};

/// What sshd of openSUSE reads where /etc/ssh has no sshd_config.
pub(crate) const OF_VENDOR: &str = "/usr/etc/ssh/sshd_config";
/// The limit of nested includes, as in sshd.
pub(super) const DEPTH: usize = 16;
/// The largest number of connections in addition to the two that are always tried.
const LIMIT: usize = 24;

/// A connection for which sshd prints its settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Connection {
    pub(super) host: String,
    pub(super) address: String,
    pub(super) local_address: String,
    pub(super) local_port: String,
    pub(super) routing_domain: String,
    /// The block that it was made to meet: `FILE:LINE: Match …`.
    pub(super) block: Option<String>,
}

impl Connection {
    /// Without UseDNS, sshd uses the address as the name of the host. A pattern for a host can
    /// still match addresses.
    pub(super) fn forget_name(&mut self) {
        if self.host.parse::<IpAddr>().is_ok() {
            self.address.clone_from(&self.host);
        } else {
            self.host.clone_from(&self.address);
        }
    }
}

/// What sshd's files say outside of what `sshd -T` answers.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    blocks: Vec<Block>,
    /// The first Port.
    port: Option<String>,
    /// Every PAMServiceName, in Match blocks too.
    pub(super) services: BTreeSet<String>,
}

/// A Match line.
#[derive(Debug)]
struct Block {
    shown: String,
    /// Criteria with their patterns, by names in lower case.
    criteria: Vec<(String, String)>,
}

impl Conditions {
    /// Reads a file of settings and what it includes; the distribution's where sshd's own is
    /// missing. What cannot be read is left out: sshd itself then fails.
    pub(super) fn read(file: &Path) -> Self {
        let mut found = Self::default();
        found.add(main_file(file), 0, &[]);
        found
    }

    /// Adds a file that is included in a block with the criteria `outer`, or in none.
    fn add(&mut self, file: &Path, depth: usize, outer: &[(String, String)]) {
        let mut current = outer.to_vec();
        let content = fs::read(file).unwrap_or_default();
        for (number, line) in String::from_utf8_lossy(&content).lines().enumerate() {
            let words = words(line);
            let Some((name, values)) = words.split_first() else {
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "include" if depth < DEPTH => {
                    for included in values
                        .iter()
                        .flat_map(|pattern| included(pattern, Path::to_owned))
                    {
                        self.add(&included, depth + 1, &current);
                    }
                }
                "port" if self.port.is_none() => self.port = values.first().cloned(),
                "pamservicename" => {
                    let names = values.iter().take(1);
                    self.services
                        .extend(names.map(|name| name.to_ascii_lowercase()));
                }
                "match" => {
                    current = [outer, &criteria(values)].concat();
                    self.blocks.push(Block {
                        shown: format!("{}:{}: {}", file.display(), number + 1, line.trim()),
                        criteria: current.clone(),
                    });
                }
                _ => {}
            }
        }
    }

    /// Returns the connections to try: from this host, from elsewhere, and one that meets the
    /// conditions of each block, a network of a list at a time.
    pub(super) fn connections(&self) -> Vec<Connection> {
        let base = |host: &str, address: &str| Connection {
            host: host.to_owned(),
            address: address.to_owned(),
            local_address: "127.0.0.1".to_owned(),
            local_port: self.port.clone().unwrap_or_else(|| "22".to_owned()),
            routing_domain: String::new(),
            block: None,
        };
        // Loopback, and an address that is reserved for documentation (RFC 5737).
        let mut all = vec![
            base("localhost", "127.0.0.1"),
            base("elsewhere.example", "192.0.2.1"),
        ];
        for block in &self.blocks {
            for connection in block.connections(&base("elsewhere.example", "192.0.2.1")) {
                if all.len() < 2 + LIMIT {
                    all.push(connection);
                }
            }
        }
        all
    }

    /// Returns the names without wildcards that Match lines give for a criterion, also those that
    /// they exclude by `!`, for which the settings outside of the block count.
    pub(super) fn named(&self, criterion: &str) -> BTreeSet<String> {
        let criteria = self.blocks.iter().flat_map(|block| &block.criteria);
        let lists = criteria.filter(|(name, _)| name == criterion);
        let names = lists.flat_map(|(_, patterns)| patterns.split(','));
        let names = names.map(|name| name.trim_start_matches('!'));
        let literal = names.filter(|name| !name.contains(['*', '?', '@']));
        literal.map(str::to_owned).collect()
    }
}

/// Returns the file that sshd reads: the distribution's where its own is missing.
pub(super) fn main_file(file: &Path) -> &Path {
    if file == Path::new(CONFIG) && !file.exists() {
        return Path::new(OF_VENDOR);
    }
    file
}

impl Block {
    fn connections(&self, base: &Connection) -> Vec<Connection> {
        let mut found = vec![Connection {
            block: Some(self.shown.clone()),
            ..base.clone()
        }];
        let mut is_about_connection = false;
        for (name, patterns) in &self.criteria {
            // Logins that a block excludes by `!` have the settings outside of it.
            let patterns = patterns.split(',');
            let patterns = patterns.map(|pattern| pattern.trim_start_matches('!'));
            let examples: Vec<_> = patterns
                .filter(|pattern| *pattern != "*")
                .map(|pattern| match name.as_str() {
                    "address" | "localaddress" => address(pattern),
                    "host" if is_of_addresses(pattern) => address(pattern),
                    _ => pattern.replace(['*', '?'], "x"),
                })
                .collect();
            let mut next = Vec::new();
            for connection in &found {
                for example in &examples {
                    let mut connection = connection.clone();
                    let field = match name.as_str() {
                        "address" => &mut connection.address,
                        "host" => &mut connection.host,
                        "localaddress" => &mut connection.local_address,
                        "localport" => &mut connection.local_port,
                        "rdomain" => &mut connection.routing_domain,
                        _ => continue,
                    };
                    example.clone_into(field);
                    is_about_connection = true;
                    next.push(connection);
                }
            }
            if !next.is_empty() {
                found = next;
            }
        }
        if is_about_connection {
            found
        } else {
            Vec::new()
        }
    }
}

/// Whether a pattern for hosts can only match addresses.
fn is_of_addresses(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    chars.all(|c| c.is_ascii_hexdigit() || ".:*?".contains(c)) && pattern.contains(['.', ':'])
}

/// Returns an address that a pattern matches: the first of a network, or with 1 for each wildcard.
fn address(pattern: &str) -> String {
    let Some((network, _)) = pattern.split_once('/') else {
        let example = pattern.replace(['*', '?'], "1");
        // `10.*` matches all four parts of an address.
        let parts = example.split('.').count();
        return match pattern.ends_with('*') && !example.contains(':') {
            true => example + &".1".repeat(4_usize.saturating_sub(parts)),
            false => example,
        };
    };
    match network.rsplit_once('.') {
        Some((start, "0")) => format!("{start}.1"),
        None if network.ends_with("::") => format!("{network}1"),
        _ => network.to_owned(),
    }
}

/// Returns the criteria of a Match line with their patterns; `All` has none.
pub(super) fn criteria(words: &[String]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => (word.as_str(), String::new()),
        };
        let name = name.to_ascii_lowercase();
        let has_value = !["all", "canonical", "final", "invalid-user"].contains(&name.as_str());
        let value = if has_value && value.is_empty() {
            words.next().cloned().unwrap_or_default()
        } else {
            value
        };
        found.push((name, value));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_an_included_file_needs_the_conditions_of_the_include_too() {
        let folder = tempfile::tempdir().unwrap();
        let [file, inner] = ["sshd_config", "inner"].map(|name| folder.path().join(name));
        let text = format!("Match LocalPort 2222\nInclude {}\n", inner.display());
        fs::write(&file, text).unwrap();
        fs::write(&inner, "Match Address 10.0.0.0/8\nMatch User x\n").unwrap();

        let connections = Conditions::read(&file).connections();

        let shown = connections
            .iter()
            .map(|c| format!("{} {}", c.address, c.local_port));
        assert!(
            shown
                .collect::<Vec<_>>()
                .contains(&"10.0.0.1 2222".to_owned())
        );
    }

    #[test]
    fn each_match_block_gets_a_connection_that_meets_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sshd_config");
        let text = "Port 2299 # first\nPort 2298\nMatch User pat Group=\"staff,x\"\nPAMServiceName Other\n\
                    Match Address !10.1.0.0/16,10.0.0.0/8,fd00::/8 LocalPort 2298\n\
                    Match host=*.example.org RDomain vrf1\nMatch All\n\
                    Match Address *,!172.16.*\nMatch User !sam,*,!x*\nMatch Group *,!dev\n";
        fs::write(&file, text).unwrap();

        let conditions = Conditions::read(&file);

        let shown: Vec<_> = conditions
            .connections()
            .into_iter()
            .map(|c| {
                format!(
                    "{} {} {} {}{}",
                    c.host,
                    c.address,
                    c.local_port,
                    c.routing_domain,
                    c.block.map_or(String::new(), |b| {
                        format!(
                            " {}",
                            b.trim_start_matches(&format!("{}:", file.display()))
                                .split(' ')
                                .next()
                                .unwrap()
                        )
                    })
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "localhost 127.0.0.1 2299 ",
                "elsewhere.example 192.0.2.1 2299 ",
                "elsewhere.example 10.1.0.1 2298  5:",
                "elsewhere.example 10.0.0.1 2298  5:",
                "elsewhere.example fd00::1 2298  5:",
                "x.example.org 192.0.2.1 2299 vrf1 6:",
                "elsewhere.example 172.16.1.1 2299  8:",
            ]
        );
        assert!(conditions.services.contains("other"));
        assert_eq!(
            conditions.named("group"),
            ["dev", "staff", "x"].map(str::to_owned).into()
        );
        assert_eq!(
            conditions.named("user"),
            ["pat", "sam"].map(str::to_owned).into()
        );
    }
}
