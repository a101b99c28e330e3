//! Which accounts had an entry in the mapping once: `enroll_by` lets none of them in.
//!
//! `authyctl unenroll` notes the user, and what counts for an enrolled user stays when an entry is
//! deleted by hand. Only root can write the state folder, so its content is trusted. Used by
//! `engine::wiring`, and by `authyctl`.

use std::path::Path;

use super::limits;
use super::state::{self, Error, Folder};

/// The version of the files, and their folder.
const VERSION: u64 = 1;
const FOLDER: &str = "unenrolled";

/// Notes that `user` had an entry, which was removed. Blocks for one second at most while another
/// process writes.
///
/// # Errors
/// The state folder cannot be trusted or written.
pub fn note(state: &Path, user: &str) -> Result<(), Error> {
    let folder = Folder::open(state)?.sub(FOLDER)?;
    // The name is for a person who looks at the file; a login asks only whether there is one.
    folder.update_durably(&state::file_name(user), |_| {
        ((), state::encode(&user, VERSION))
    })
}

/// Whether `user` had an entry once, as far as this host knows.
///
/// # Errors
/// The state folder cannot be trusted or read.
pub fn was_enrolled(state: &Path, user: &str) -> Result<bool, Error> {
    let noted = match Folder::find(state, &[FOLDER])? {
        Some(folder) => folder.read(&state::file_name(user))?.is_some(),
        None => false,
    };
    Ok(noted || limits::has_counts(state, user)?)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::store::state::test_words;

    #[test]
    fn an_account_is_known_by_a_note_or_by_what_was_counted_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert!(!was_enrolled(&state, "alice").unwrap(), "no state folder");
        note(&state, "alice").unwrap();
        limits::prepare(&state, "bob", &[], test_words::map, SystemTime::now()).unwrap();
        let known = ["alice", "bob", "carol"].map(|user| was_enrolled(&state, user).unwrap());
        assert_eq!(known, [true, true, false]);
        limits::forget(&state, Some("bob"), &[]).unwrap();
        assert!(!was_enrolled(&state, "bob").unwrap());
        note(&state, "alice").unwrap();
    }

    #[test]
    fn a_state_folder_that_others_can_write_is_an_error() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        note(&state, "alice").unwrap();
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(state.join(FOLDER), open).unwrap();
        assert!(was_enrolled(&state, "bob").is_err());
    }
}
