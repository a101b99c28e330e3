//! When the last good pass was: a file of its own in the state folder, since a pass that finds
//! nothing new does not write directory.toml. Called by `authyctl`.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::store::state::{self, Error, Folder};

/// The version of the file, and its name.
const VERSION: u64 = 1;
const FILE: &str = "directory-pass";

/// Notes that a pass was good: what the directory lists is in directory.toml. Blocks for a second
/// at most while another process writes.
///
/// # Errors
/// The state folder cannot be trusted or written.
pub fn note_pass(state: &Path, now: SystemTime) -> Result<(), Error> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Folder::open(state)?.update(FILE, |_| ((), state::encode(&seconds, VERSION)))
}

/// When the last good pass was; `None` where none is known.
///
/// # Errors
/// The state folder cannot be trusted or read, or the file is damaged.
pub fn last_pass(state: &Path) -> Result<Option<SystemTime>, Error> {
    let Some(folder) = Folder::find(state, &[])? else {
        return Ok(None);
    };
    let Some(bytes) = folder.read(FILE)? else {
        return Ok(None);
    };
    let seconds = state::decode::<u64>(&bytes, VERSION);
    let seconds = seconds.map_err(|why| folder.unreadable(FILE, why))?;
    Ok(UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pass_is_known_to_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert_eq!(last_pass(&state).unwrap(), None);
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        note_pass(&state, now + Duration::from_millis(900)).unwrap();
        assert_eq!(last_pass(&state).unwrap(), Some(now));
        std::fs::write(state.join(FILE), "x").unwrap();
        assert!(last_pass(&state).is_err());
    }
}
