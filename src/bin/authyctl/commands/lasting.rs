//! What lasts of a person in the state folder when the mapping changes: made ahead when a user is
//! enrolled, and ended with the person's last factor. Called by `enroll`, `unenroll` and
//! `import`.

use std::path::Path;
use std::time::SystemTime;

use pam_authy::base::factor::Person;
use pam_authy::engine::shared_words;
use pam_authy::store::config::Config;
use pam_authy::store::directory::Ended;
use pam_authy::store::recovery::{self, FileRecovery};
use pam_authy::store::state::Error;
use pam_authy::store::users::{self, Entry};
use pam_authy::store::{former, limits, remember};

use super::find;
use super::totp::at_prompt;
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::shown_name;

/// Returns the entry that a user has now. One that cannot be read is like none: what lasts then
/// stays.
pub(super) fn entry(global: &Global, user: &str) -> Entry {
    find(global, user).map_or(Entry::Absent, |(found, _)| found.entry)
}

/// Follows a change of the entry of `user`, which was `before`: where it has kept none of its
/// factors, recovery codes, remembered logins, an app that was enrolled at the prompt and counts
/// end, else only the counts of the factors that it lost. Returns a warning when something is still
/// there.
pub(super) fn follow(global: &Global, user: &str, before: &Entry) -> Option<String> {
    // A host without a configuration has no logins either.
    if !global.config.exists() {
        return None;
    }
    let after = entry(global, user);
    let result = Config::load(&global.config)
        .map_err(|error| error.to_string())
        .and_then(|config| {
            let state = &config.paths.state;
            let ended = end(state, user, before, &after).map_err(|error| error.to_string());
            // What cannot be ended keeps nothing else alive.
            if *before != Entry::Absent && !is_same(before, &after) {
                at_prompt::remove(state, user).map_err(|error| error.message)?;
            }
            ended?;
            prepare(state, user, &after);
            Ok(())
        });
    result.err().map(|why| {
        let shown = shown_name(user);
        format!("what was stored for {shown} before could not be removed: {why}")
    })
}

fn end(state: &Path, user: &str, before: &Entry, after: &Entry) -> Result<(), Error> {
    let kept = after.stored_ids();
    let mut lost = before.stored_ids();
    lost.retain(|id| !kept.contains(id));
    if *before == Entry::Absent || is_same(before, after) {
        return limits::forget(state, None, &lost);
    }
    let noted = match after {
        Entry::Absent => former::note(state, user),
        _ => Ok(()),
    };
    let ended = [
        recovery::remove(state, user).map(drop),
        remember::forget(state, user).map(drop),
    ];
    // Without the note it is the counts that keep `enroll_by` from letting the account in.
    noted?;
    limits::forget(state, Some(user), &lost)?;
    ended.into_iter().collect()
}

/// Ends what lasts of a person of the directory who is not the one they were, in this state folder.
/// Called before directory.toml is written: a command that is killed in between has ended what
/// lasts, and the person before can log in with their factors until the next one.
///
/// # Errors
/// Something is still there: the file must not be written.
pub(super) fn end_of_directory(
    global: &Global,
    state: &Path,
    ended: &Ended,
) -> Result<(), CommandError> {
    let name = ended.name.as_str();
    // users.toml wins: what lasts is that of the person there.
    match users::find(&global.users, name) {
        Ok(found) if found.entry == Entry::Absent => {}
        Ok(_) => return Ok(()),
        Err(error) if error.is_missing() => {}
        Err(error) => return Err(error.into()),
    }
    // Where the name is forgotten, the account was enrolled all the same.
    former::note(state, name)?;
    let mut lost = (ended.before.as_ref()).map_or(Vec::new(), Person::stored_ids);
    let kept = (ended.after.as_ref()).map_or(Vec::new(), Person::stored_ids);
    lost.retain(|id| !kept.contains(id));
    at_prompt::remove(state, name)?;
    recovery::remove(state, name)?;
    remember::forget(state, name)?;
    Ok(limits::forget(state, Some(name), &lost)?)
}

/// Whether the entry has kept a factor.
fn is_same(before: &Entry, after: &Entry) -> bool {
    let (old, new) = (before.stored_ids(), after.stored_ids());
    let keeps_totp = match (before, after) {
        // Where a secret cannot be read, its name is all there is.
        (Entry::Enrolled(before), Entry::Enrolled(after)) => {
            let is_unknown = before.totp_id.is_none() || after.totp_id.is_none();
            is_unknown && before.totp.is_some() && before.totp == after.totp
        }
        _ => false,
    };
    keeps_totp || old.iter().any(|id| new.contains(id))
}

/// Records the present factors of a person who has kept one of them with the recovery codes.
pub(super) fn record(state: &Path, user: &str, factors: Vec<String>) -> Result<(), Error> {
    FileRecovery::new(state, user, factors, shared_words::map).record_factors()
}

/// Makes the files of counts, and records the present factors with the recovery codes, so that
/// these stay when another factor is removed later. Where that fails, the next login does it.
fn prepare(state: &Path, user: &str, after: &Entry) {
    if matches!(after, Entry::Enrolled(_) | Entry::Shared(_)) {
        let factors = after.stored_ids();
        let _ = limits::prepare(state, user, &factors, shared_words::map, SystemTime::now());
        let _ = record(state, user, factors);
    }
}

/// Returns the two warnings as one.
pub(super) fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    let all: Vec<_> = one.into_iter().chain(other).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use pam_authy::base::factor::AuthyId;
    use pam_authy::store::recovery::Left;
    use pam_authy::store::totp::{Authenticator, Enrolled, enrolled};

    use super::*;

    /// A host where everything that lasts is stored for carol, whose number is 1637.
    struct Host {
        folder: tempfile::TempDir,
        global: Global,
    }

    fn person(id: u64) -> Person {
        AuthyId::try_from(id).unwrap().into()
    }

    impl Host {
        fn new(users: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let global = Global {
                config: folder.path().join("config.toml"),
                users: folder.path().join("users.toml"),
                json: false,
                quiet: false,
                verbose: false,
            };
            fs::write(&global.users, users).unwrap();
            fs::set_permissions(&global.users, fs::Permissions::from_mode(0o644)).unwrap();
            let host = Self { folder, global };
            let (state, ids) = (host.state(), person(1637).stored_ids());
            let map = shared_words::map;
            recovery::generate(&state, "carol", ids.clone(), false, map).unwrap();
            limits::prepare(&state, "carol", &ids, map, SystemTime::now()).unwrap();
            let app = Authenticator::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
            let new = Enrolled {
                since: 0,
                factors: ids,
            };
            enrolled::add(&state, "carol", &app, &new).unwrap();
            host
        }

        fn state(&self) -> std::path::PathBuf {
            self.folder.path().join("state")
        }

        /// Which of recovery codes, counts and an app at the prompt carol has; and whether she is
        /// known to have been enrolled.
        fn left(&self, ids: &[String]) -> ([bool; 3], bool) {
            let state = self.state();
            let codes = recovery::left(&state, "carol", ids).unwrap();
            let apps = enrolled::load(&state).unwrap();
            let lasting = [
                matches!(codes, Left::Of(left) if left > 0),
                limits::has_counts(&state, "carol").unwrap(),
                apps.entry("carol").is_some(),
            ];
            (lasting, former::was_enrolled(&state, "carol").unwrap())
        }

        fn end(&self, after: Option<Person>) {
            let ended = Ended {
                name: "carol".to_owned(),
                before: Some(person(1637)),
                after,
            };
            end_of_directory(&self.global, &self.state(), &ended).unwrap();
        }
    }

    #[test]
    fn nothing_lasts_of_a_person_of_the_directory_who_is_replaced_or_forgotten() {
        let ids = person(1637).stored_ids();
        for after in [None, Some(person(7)), Some(person(1637))] {
            let host = Host::new("[users]\nalice = 1\n");
            assert_eq!(host.left(&ids), ([true; 3], true));
            host.end(after);
            assert_eq!(host.left(&ids), ([false; 3], true), "it was enrolled once");
            host.end(None);
        }
    }

    #[test]
    fn what_lasts_of_a_person_of_users_toml_is_not_the_directorys() {
        let host = Host::new("[users]\ncarol = 1637\n");
        host.end(None);
        assert_eq!(host.left(&person(1637).stored_ids()).0, [true; 3]);
        // A mapping that cannot be read may have the name.
        fs::write(&host.global.users, "[users\n").unwrap();
        let ended = Ended {
            name: "carol".to_owned(),
            before: None,
            after: None,
        };
        assert!(end_of_directory(&host.global, &host.state(), &ended).is_err());
        fs::remove_file(&host.global.users).unwrap();
        end_of_directory(&host.global, &host.state(), &ended).unwrap();
        assert_eq!(host.left(&[]).0, [false; 3]);
    }
}
