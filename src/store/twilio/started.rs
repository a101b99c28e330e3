//! The verification that was started last for a person and number, kept for its ten minutes: sshd and
//! sudo call the module again, and the person types the code then.
//!
//! A small file for each, named by a digest. One that is damaged, too old or not trusted is none: the
//! code is then one of the app. A file is replaced under a lock that is waited for 300 ms at most.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::seconds;
use crate::base::factor::Phone;
use crate::base::factor::twilio::{Started, VerificationSid};
use crate::store::state::{self, Error, FileChange, Folder, Unreadable};

/// The folder of the files, and their version.
const FOLDER: &str = "twilio-started";
const VERSION: u64 = 1;
/// How long Twilio's code is valid, in seconds.
const LIFETIME: u64 = 600;

/// The verifications of one user, in the state folder.
#[derive(Debug, Clone)]
pub struct StartedFiles {
    state: PathBuf,
    user: String,
    now: fn() -> SystemTime,
}

/// The content of a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    sid: String,
    /// Seconds since 1970.
    at: u64,
}

impl StartedFiles {
    /// The verifications of `user` in this state folder. Opens nothing yet.
    #[must_use]
    pub fn new(state: &Path, user: &str, now: fn() -> SystemTime) -> Self {
        Self {
            state: state.to_owned(),
            user: user.to_owned(),
            now,
        }
    }

    /// Returns an error for each file that cannot be used.
    ///
    /// # Errors
    /// The folder cannot be trusted or read.
    pub fn unreadable(state: &Path) -> Result<Vec<Error>, Error> {
        Folder::faults(state, FOLDER, |bytes| match bytes {
            Some(bytes) => {
                let start: Start = state::decode(bytes, VERSION)?;
                let sid: Result<VerificationSid, _> = start.sid.parse();
                sid.map(drop).map_err(|_| Unreadable::Corrupt)
            }
            None => Ok(()),
        })
    }

    /// The name of the file of a number. No user's name has the line break.
    fn name(&self, phone: &Phone) -> String {
        state::file_name(&format!("{}\n{phone}", self.user))
    }

    fn change(
        &self,
        phone: &Phone,
        change: impl FnOnce(Option<&[u8]>) -> FileChange,
    ) -> Result<(), Error> {
        let folder = Folder::open(&self.state)?.sub(FOLDER)?.for_login();
        folder.update(&self.name(phone), |old| ((), change(old)))
    }
}

impl Started for StartedFiles {
    fn find(&self, phone: &Phone) -> Option<VerificationSid> {
        let folder = Folder::find(&self.state, &[FOLDER]).ok()??;
        let bytes = folder.read(&self.name(phone)).ok()??;
        let start: Start = state::decode(&bytes, VERSION).ok()?;
        let age = seconds((self.now)()).checked_sub(start.at)?;
        (age < LIFETIME).then(|| start.sid.parse().ok()).flatten()
    }

    fn keep(&mut self, phone: &Phone, sid: &VerificationSid) -> Result<(), String> {
        let start = Start {
            sid: sid.to_string(),
            at: seconds((self.now)()),
        };
        let kept = self.change(phone, |_| state::encode(&start, VERSION));
        kept.map_err(|error| error.to_string())
    }

    fn forget(&mut self, phone: &Phone, sid: &VerificationSid) {
        if self.find(phone).as_ref() != Some(sid) {
            return;
        }
        let _ = self.change(phone, |bytes| {
            let start = bytes.and_then(|bytes| state::decode::<Start>(bytes, VERSION).ok());
            match start {
                Some(start) if start.sid == sid.as_str() => FileChange::Remove,
                _ => FileChange::Keep,
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(1_800_000_000) };
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW.get())
    }

    fn phone(last: u8) -> Phone {
        format!("+1555123456{last}").parse().unwrap()
    }

    fn sid(letter: &str) -> VerificationSid {
        format!("VE{}", letter.repeat(32)).parse().unwrap()
    }

    #[test]
    fn a_start_is_found_by_its_user_and_number_for_ten_minutes() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let of = |user| StartedFiles::new(&state, user, now);
        let mut alice = of("alice");
        assert_eq!(alice.find(&phone(7)), None);
        alice.keep(&phone(7), &sid("a")).unwrap();
        assert_eq!(of("alice").find(&phone(7)), Some(sid("a")));
        assert_eq!(of("bob").find(&phone(7)), None);
        assert_eq!(alice.find(&phone(8)), None);
        NOW.set(NOW.get() + 599);
        assert_eq!(alice.find(&phone(7)), Some(sid("a")));
        alice.keep(&phone(7), &sid("b")).unwrap();
        NOW.set(NOW.get() + 599);
        assert_eq!(alice.find(&phone(7)), Some(sid("b")));
        NOW.set(NOW.get() + 1);
        assert_eq!(alice.find(&phone(7)), None);
        alice.keep(&phone(7), &sid("c")).unwrap();
        NOW.set(NOW.get() - 1);
        assert_eq!(alice.find(&phone(7)), None, "the clock was set back");
    }

    #[test]
    fn a_start_that_ended_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut alice = StartedFiles::new(&state, "alice", now);
        alice.forget(&phone(7), &sid("a"));
        assert!(!state.exists(), "nothing is made for it");
        alice.keep(&phone(7), &sid("a")).unwrap();
        alice.keep(&phone(7), &sid("b")).unwrap();
        alice.forget(&phone(7), &sid("a"));
        assert_eq!(alice.find(&phone(7)), Some(sid("b")), "of another login");
        alice.forget(&phone(7), &sid("b"));
        assert_eq!(alice.find(&phone(7)), None);
    }

    #[test]
    fn what_is_damaged_or_not_trusted_is_no_start_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut alice = StartedFiles::new(&state, "alice", now);
        alice.keep(&phone(7), &sid("a")).unwrap();
        let file = state.join(FOLDER).join(alice.name(&phone(7)));
        let good = fs::read_to_string(&file).unwrap();
        assert!(!good.contains("555"), "{good}");
        let damaged = [
            good.replace("VE", "VA"),
            good.replace("\"version\":1", "\"version\":2"),
            good[..20].to_owned(),
        ];
        for text in damaged {
            fs::write(&file, text).unwrap();
            assert_eq!(alice.find(&phone(7)), None);
            assert_eq!(StartedFiles::unreadable(&state).unwrap().len(), 1);
        }
        fs::write(&file, &good).unwrap();
        assert!(StartedFiles::unreadable(&state).unwrap().is_empty());
        assert_eq!(alice.find(&phone(7)), Some(sid("a")));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(alice.find(&phone(7)), None);
        assert!(alice.keep(&phone(7), &sid("b")).is_err());
        assert_eq!(StartedFiles::unreadable(&state).unwrap().len(), 1);
    }
}
