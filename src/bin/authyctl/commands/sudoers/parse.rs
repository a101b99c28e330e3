//! The JSON of `cvtsudoers -e -f json`, as far as it matters here. Unknown members are skipped.

use nix::unistd::{Gid, Group, Uid, User, gethostname};
use serde_json::Value;

/// One entry of a list of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Member {
    All,
    User(String),
    Group(String),
    /// Of another database: a netgroup, a group of a plug-in.
    Other,
}

/// A list of users, each with whether it is negated.
type Members = Vec<(Member, bool)>;

/// A setting of a `Defaults` line.
#[derive(Debug, Clone)]
pub(super) struct Default {
    /// The users that it applies to; empty for every user.
    pub(super) binding: Members,
    pub(super) name: String,
    pub(super) is_on: bool,
    pub(super) value: Option<String>,
    /// Where it counts, if it is for hosts.
    pub(super) host: Where,
}

/// Whether a list of hosts has this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Here,
    Elsewhere,
    /// It names networks, patterns or netgroups.
    Unknown,
}

/// A rule: who may run something.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) users: Members,
    /// No password is asked for, for some commands at least.
    pub(super) is_unasked: bool,
    pub(super) host: Where,
    /// Some commands are run as other groups.
    names_groups: bool,
    /// It is for every command as every user, and asks for a password; sudo follows the last rule.
    asks_always: bool,
    /// The same as every group.
    asks_always_as_groups: bool,
}

impl Rule {
    /// Whether nothing is left of `earlier`, for the users of both rules.
    pub(super) fn replaces(&self, earlier: &Self) -> bool {
        self.asks_always && (self.asks_always_as_groups || !earlier.names_groups)
    }
}

#[derive(Debug, Clone, std::default::Default)]
pub(super) struct Document {
    pub(super) defaults: Vec<Default>,
    pub(super) rules: Vec<Rule>,
}

impl Document {
    /// Returns the settings and rules; `None` where this is no JSON of cvtsudoers.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(text).ok()?;
        let object = value.as_object()?;
        let list = |name: &str| object.get(name).and_then(Value::as_array);
        let defaults = list("Defaults").into_iter().flatten();
        let rules = list("User_Specs").into_iter().flatten();
        let mut document = Self {
            defaults: defaults.flat_map(settings).collect(),
            rules: rules.map(rule).collect(),
        };
        let mut defaults = document.defaults.iter();
        if defaults.any(|default| default.name == "fqdn" && default.is_on) {
            // The name of this host is what a resolver says.
            let of_defaults = document
                .defaults
                .iter_mut()
                .map(|default| &mut default.host);
            let of_rules = document.rules.iter_mut().map(|rule| &mut rule.host);
            for host in of_defaults
                .chain(of_rules)
                .filter(|host| **host == Where::Elsewhere)
            {
                *host = Where::Unknown;
            }
        }
        Some(document)
    }
}

/// Returns the elements of a list in an object.
fn elements<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    object
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn settings(entry: &Value) -> Vec<Default> {
    let binding: Members = elements(entry, "Binding").filter_map(member).collect();
    let host = place(elements(entry, "Binding"));
    let options = elements(entry, "Options")
        .filter_map(Value::as_object)
        .flatten();
    options
        .map(|(name, value)| Default {
            binding: binding.clone(),
            host,
            name: name.clone(),
            is_on: value != &Value::Bool(false),
            value: match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
        })
        .collect()
}

fn rule(entry: &Value) -> Rule {
    let specs = || elements(entry, "Cmnd_Specs");
    let options = specs().flat_map(|spec| elements(spec, "Options"));
    let mut unasked =
        options.filter(|option| option.get("authenticate") == Some(&Value::Bool(false)));
    let is_unasked = unasked.next().is_some();
    let has_all = |object: &Value, list: &str, kind: &str| {
        let mut entries = elements(object, list).peekable();
        entries.peek().is_some()
            && entries.all(|entry| {
                entry.get(kind).is_some_and(|name| name == "ALL") && entry.get("negated").is_none()
            })
    };
    let is_total = |spec: &Value| {
        has_all(spec, "runasusers", "username") && has_all(spec, "Commands", "command")
    };
    let asks_always = !is_unasked && has_all(entry, "Host_List", "hostname");
    Rule {
        users: elements(entry, "User_List").filter_map(member).collect(),
        is_unasked,
        host: place(elements(entry, "Host_List")),
        names_groups: specs().any(|spec| spec.get("runasgroups").is_some()),
        asks_always: asks_always && specs().any(is_total),
        asks_always_as_groups: asks_always
            && specs().any(|spec| is_total(spec) && has_all(spec, "runasgroups", "usergroup")),
    }
}

/// Returns whether a list of hosts has this one. sudo compares a name with a dot with the whole
/// name of the host, and another with its first part.
fn place<'a>(hosts: impl Iterator<Item = &'a Value>) -> Where {
    let own = gethostname().unwrap_or_default();
    let own = own.to_string_lossy().to_lowercase();
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let mut hosts = hosts.peekable();
    if hosts.peek().is_none() {
        return Where::Here;
    }
    let mut found = Where::Elsewhere;
    for host in hosts {
        let name = host.get("hostname").and_then(Value::as_str);
        let name = name.filter(|name| !name.contains(['*', '?', '[', '\\']));
        match name.map(str::to_lowercase) {
            Some(_) | None if host.get("negated").is_some() => return Where::Unknown,
            Some(name) if name == "all" || name == own || name == short(&own) => {
                found = Where::Here;
            }
            Some(name) if short(&name) != short(&own) => {}
            Some(_) | None if found == Where::Elsewhere => found = Where::Unknown,
            Some(_) | None => {}
        }
    }
    found
}

fn member(entry: &Value) -> Option<(Member, bool)> {
    let object = entry.as_object()?;
    let is_negated = object.get("negated") == Some(&Value::Bool(true));
    let (kind, value) = object.iter().find(|(name, _)| *name != "negated")?;
    let name = value.as_str().unwrap_or_default();
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let member = match (kind.as_str(), number) {
        ("username", _) if name == "ALL" => Member::All,
        ("username", _) => Member::User(name.to_owned()),
        ("usergroup", _) => Member::Group(name.to_owned()),
        ("userid", Some(uid)) => {
            let account = User::from_uid(Uid::from_raw(uid)).ok().flatten();
            account.map_or(Member::Other, |account| Member::User(account.name))
        }
        ("usergid", Some(gid)) => {
            let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
            group.map_or(Member::Other, |group| Member::Group(group.name))
        }
        _ => Member::Other,
    };
    Some((member, is_negated))
}
