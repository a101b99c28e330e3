//! The JSON of `cvtsudoers -e -f json`, as far as it matters here. Unknown members are skipped.

use nix::unistd::{Gid, Group, Uid, User};
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
    /// The users for whom it is; empty for everybody.
    pub(super) binding: Members,
    pub(super) name: String,
    pub(super) is_on: bool,
    pub(super) value: Option<String>,
}

/// A rule: who may run something.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) users: Members,
    /// No password is asked for, for some commands at least.
    pub(super) is_unasked: bool,
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
        Some(Self {
            defaults: defaults.flat_map(settings).collect(),
            rules: rules.map(rule).collect(),
        })
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
    let options = elements(entry, "Options")
        .filter_map(Value::as_object)
        .flatten();
    options
        .map(|(name, value)| Default {
            binding: binding.clone(),
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
    let options = elements(entry, "Cmnd_Specs").flat_map(|spec| elements(spec, "Options"));
    let mut unasked =
        options.filter(|option| option.get("authenticate") == Some(&Value::Bool(false)));
    Rule {
        users: elements(entry, "User_List").filter_map(member).collect(),
        is_unasked: unasked.next().is_some(),
    }
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
