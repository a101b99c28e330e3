//! Writes the look-up index (`store::index`) of a large file of the state folder: enrolled.toml or
//! directory.toml. Called after a change of the file; until then a login reads the whole file.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::index::{self, Position, Stamp};
use super::state::{self, FileChange, Folder};
use crate::base::secret::Secret;
use crate::host::toml_file;
use crate::host::trusted_file::{self, Access, MAPPING_LIMIT};

/// Writes the index of a file, both by name, in the state folder. `parse` reads the file, and
/// `positions` says where the entries are, sorted by name. Returns what was read; `changed` is the
/// error for a file that changes meanwhile. Blocks for a second at most.
///
/// # Errors
/// The file is not valid as a whole, or the index could not be written.
pub(super) fn write<T, E>(
    state: &Path,
    (file, index): (&str, &str),
    parse: impl Fn(&str, &Path) -> Result<T, toml_file::Error>,
    positions: fn(&T) -> Vec<Position<'_>>,
    changed: impl Fn() -> E,
) -> Result<T, E>
where
    E: From<state::Error> + From<toml_file::Error>,
{
    let path = state.join(file);
    let opened = trusted_file::open(&path, Access::OwnerOnly).map_err(toml_file::Error::from)?;
    let stamp = || opened.file.metadata().map_err(|_| changed());
    let before = stamp()?;
    wait_for_next_tick(&before);
    let text = opened.read(MAPPING_LIMIT).map_err(toml_file::Error::from)?;
    let text = Secret::new(toml_file::text(text, &path)?);
    let read = parse(text.expose(), &path)?;
    let bytes = index::encode(&positions(&read), Stamp::of(&before))
        .filter(|_| stamp().is_ok_and(|after| Stamp::of(&after) == Stamp::of(&before)))
        .ok_or_else(changed)?;
    let folder = Folder::open(state)?;
    folder.update(index, |_| ((), FileChange::Write(bytes)))?;
    Ok(read)
}

/// Waits until a change of the file would change its times: they advance in ticks, of 10 ms at
/// most, or of a second where the file system has no smaller ones.
fn wait_for_next_tick(file: &std::fs::Metadata) {
    let tick = match file.ctime_nsec() {
        0 => Duration::from_millis(1010),
        _ => Duration::from_millis(20),
    };
    let changed = Duration::new(
        u64::try_from(file.ctime()).unwrap_or_default(),
        u32::try_from(file.ctime_nsec()).unwrap_or_default(),
    );
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let age = since.unwrap_or_default().saturating_sub(changed);
    std::thread::sleep(tick.saturating_sub(age));
}
