//! What `sync` prints: the difference for people, all of it as JSON.
//!
//! A number of a phone is masked: the administrator looks it up in the directory.

use std::path::Path;

use pam_authy::base::factor::Person;
use pam_authy::base::text::mask_numbers;
use pam_authy::base::utc;
use pam_authy::store::directory::{Changed, HeldChange, LeftOut, Pass};
use serde_json::{Value, json};

pub(super) use pam_authy::store::directory::Written;

use crate::directory::Reading;
use crate::hint::option;
use crate::output::{Output, shorten, shown_name};

/// How many lines a list has at most; `--json` has all of it.
const LINES: usize = 20;

/// What a sync has done, or would do.
pub(super) struct Sync<'a> {
    pub(super) pass: &'a Pass,
    pub(super) reading: &'a Reading,
    pub(super) shadowed: &'a [String],
    /// The users.toml that should be there and is not.
    pub(super) missing: Option<&'a Path>,
    /// What was written; `None`: this was a dry run.
    pub(super) written: Option<Written>,
}

pub(super) fn output(sync: &Sync<'_>) -> Output {
    let mut output = Output::new(lines(sync), members(sync));
    output.warning = warning(sync);
    output
}

fn lines(sync: &Sync<'_>) -> Vec<String> {
    let pass = sync.pass;
    let mut lines = Vec::new();
    list(&mut lines, "added", &pass.added, |name| shown_name(name));
    list(&mut lines, "changed", &pass.changed, change);
    list(&mut lines, "removed", &pass.removed, |name| {
        shown_name(name)
    });
    list(&mut lines, "accepted", &pass.accepted, change);
    list(&mut lines, "forgotten", &pass.forgotten, |name| {
        shown_name(name)
    });
    list(&mut lines, "held", &pass.held, held);
    list(&mut lines, "left out", &pass.failed, left_out);
    list(
        &mut lines,
        "left out",
        &sync.reading.unnamed,
        |(entry, why)| format!("{entry}: {why}"),
    );
    list(&mut lines, "in users.toml, too", sync.shadowed, |name| {
        shown_name(name)
    });
    lines.push(summary(sync));
    lines
}

/// Adds a line for each item, and how many more there are.
fn list<T>(lines: &mut Vec<String>, word: &str, items: &[T], show: impl Fn(&T) -> String) {
    let shown = items.iter().take(LINES);
    lines.extend(shown.map(|item| format!("{word}: {}", show(item))));
    if let more @ 1.. = items.len().saturating_sub(LINES) {
        lines.push(format!("{word}: {more} more, which --json shows"));
    }
}

fn summary(sync: &Sync<'_>) -> String {
    let people = match sync.pass.next.people() {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    };
    let done = match sync.written {
        None => "nothing was written (dry run)",
        Some(Written::File) => "directory.toml was written",
        Some(Written::Index) => "the index of directory.toml was written",
        Some(Written::Nothing) => "nothing has changed",
    };
    let others = match sync.reading.without_factor {
        0 => String::new(),
        1 => ", 1 entry without a factor".to_owned(),
        count => format!(", {count} entries without a factor"),
    };
    format!("{people} from {}{others}: {done}", sync.reading.server)
}

fn change(change: &Changed) -> String {
    let before = factors(change.before.as_ref()).join(", ");
    let after = factors(Some(&change.after)).join(", ");
    let before = if before.is_empty() {
        "nothing"
    } else {
        &before
    };
    format!("{}: {before} → {after}", shown_name(&change.name))
}

fn held(held: &HeldChange) -> String {
    let name = shown_name(&held.name);
    let before = factors(held.before.as_ref()).join(", ");
    let before = if before.is_empty() {
        "nothing"
    } else {
        &before
    };
    let what = match (&held.listed, held.is_removed) {
        (Ok(person), false) => format!("{before} → {}", factors(Some(person)).join(", ")),
        (Ok(person), true) => {
            let now = factors(Some(person)).join(", ");
            format!("was removed and has come back with {now}")
        }
        (Err(why), false) => format!("{before} stays: {why}"),
        (Err(why), true) => format!("was removed and has come back: {why}"),
    };
    format!("{name}: {what} (since {})", utc::shown(held.since))
}

fn left_out(left: &LeftOut) -> String {
    format!("{}: {}", shown_name(&left.name), left.why)
}

/// The factors of a person, as they may be shown.
fn factors(person: Option<&Person>) -> Vec<String> {
    let Some(person) = person else {
        return Vec::new();
    };
    let mut all = Vec::new();
    all.extend(person.authy_id.map(|id| format!("authy_id {id}")));
    let phone = person.phone.as_ref();
    all.extend(phone.map(|phone| format!("phone {}", mask_numbers(phone.as_str()))));
    let identity = person.twilio_identity.as_ref();
    all.extend(identity.map(|identity| format!("twilio_identity {identity}")));
    let app = person.twilio_factor.as_ref();
    all.extend(app.map(|sid| format!("twilio_factor {sid}")));
    let keys = person.security_keys.iter();
    all.extend(keys.map(|key| format!("security key {key}")));
    all
}

/// What an administrator should know of without being asked.
fn warning(sync: &Sync<'_>) -> Option<String> {
    let mut all: Vec<_> = (sync.reading.skipped.iter())
        .map(|skipped| format!("not used: {skipped}"))
        .collect();
    all.extend(sync.missing.map(|path| {
        format!(
            "{} is missing: every login is refused; an empty file is enough",
            path.display()
        )
    }));
    let new = sync.pass.held.iter().filter(|held| held.is_new);
    let acceptable: Vec<_> = new.clone().filter(|held| held.listed.is_ok()).collect();
    let names: Vec<_> = new.map(|held| shown_name(&held.name)).collect();
    if !names.is_empty() {
        let mut line = format!("held now: {}", shorten(&names));
        if let Some(first) = acceptable.first() {
            let accept = option("--accept", &first.name);
            line.push_str(&format!("; authyctl sync {accept} takes it over"));
        }
        all.push(line);
    }
    let names: Vec<_> = sync
        .pass
        .removed
        .iter()
        .map(|name| shown_name(name))
        .collect();
    if let Some(first) = sync.pass.removed.first() {
        let names = shorten(&names);
        let forget = option("--forget", first);
        all.push(format!(
            "removed now, and refused: {names}; authyctl sync {forget} makes it unknown"
        ));
    }
    (!all.is_empty()).then(|| all.join("\n"))
}

fn members(sync: &Sync<'_>) -> Value {
    let pass = sync.pass;
    let unnamed = sync.reading.unnamed.iter();
    let unnamed = unnamed.map(|(entry, why)| json!({"entry": entry, "why": why}));
    let failed = pass.failed.iter();
    let failed = failed.map(|left| json!({"user": left.name, "why": left.why}));
    json!({
        "dry_run": sync.written.is_none(),
        "server": sync.reading.server,
        "not_used": sync.reading.skipped,
        "people": pass.next.people(),
        "without_factor": sync.reading.without_factor,
        "added": pass.added,
        "changed": pass.changed.iter().map(change_object).collect::<Vec<_>>(),
        "removed": pass.removed,
        "held": pass.held.iter().map(held_object).collect::<Vec<_>>(),
        "failed": failed.chain(unnamed).collect::<Vec<_>>(),
        "accepted": pass.accepted.iter().map(change_object).collect::<Vec<_>>(),
        "forgotten": pass.forgotten,
        "in_users_toml": sync.shadowed,
        "written": sync.written.is_some_and(|written| written == Written::File),
    })
}

fn change_object(change: &Changed) -> Value {
    json!({
        "user": change.name,
        "before": factors(change.before.as_ref()),
        "after": factors(Some(&change.after)),
    })
}

fn held_object(held: &HeldChange) -> Value {
    let mut object = json!({
        "user": held.name,
        "before": factors(held.before.as_ref()),
        "was_removed": held.is_removed,
        "since": utc::written(held.since),
        "new": held.is_new,
    });
    match &held.listed {
        Ok(person) => object["after"] = json!(factors(Some(person))),
        Err(why) => object["why"] = json!(why),
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_hint_is_one_word_of_a_shell() {
        let rows = [
            ("alice", "--accept alice"),
            ("EXAMPLE\\alice", r"--accept='EXAMPLE\alice'"),
            ("o'neil", r"--accept='o'\''neil'"),
            ("-rf", "--accept='-rf'"),
            ("a b", "--accept='a b'"),
            ("$(id)", "--accept='$(id)'"),
        ];
        let shown = rows.map(|(name, _)| option("--accept", name));
        assert_eq!(shown, rows.map(|(_, word)| word));
    }
}
