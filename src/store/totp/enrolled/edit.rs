//! Replaces enrolled.toml, and writes its index. Called by [`super`].

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::lines::Present;
use super::{Error, FileError, parse, path};
use crate::base::secret::Secret;
use crate::host::toml_file;
use crate::host::trusted_file::{self, Access, MAPPING_LIMIT};
use crate::store::index::{self, Stamp};
use crate::store::state::{ENROLLED, ENROLLED_INDEX, FileChange, Folder};
use crate::store::totp::Secrets;
use crate::store::totp::index::positions;

/// Changes the file under its lock; `change` returns its result, and the new text where there is
/// one.
pub(super) fn edit<T>(
    state: &Path,
    change: impl FnOnce(&Present<'_>) -> Result<(T, Option<Secret>), Error>,
) -> Result<T, Error> {
    let path = path(state);
    let folder = Folder::open(state)?;
    let changed = folder.update_durably(ENROLLED, |bytes| {
        let text = String::from_utf8(bytes.unwrap_or_default().to_vec());
        let text = Secret::new(text.unwrap_or_else(|_| "not UTF-8".to_owned()));
        let text = text.expose();
        let secrets = parse(text, &path);
        let present = secrets.map_err(Error::from).and_then(|secrets| {
            let path = &path;
            change(&Present {
                path,
                text,
                secrets,
            })
        });
        match present {
            Ok((result, None)) => (Ok((result, false)), FileChange::Keep),
            Ok((result, Some(new))) => {
                let bytes = new.expose().as_bytes().to_vec();
                (Ok((result, true)), FileChange::Write(bytes))
            }
            Err(error) => (Err(error), FileChange::Keep),
        }
    })?;
    let (result, is_written) = changed?;
    if is_written {
        // The change is made, with or without an index.
        let _ = write_index(state);
    }
    Ok(result)
}

/// Writes the index of the present file. Returns its path and the secrets; `None`: there is no
/// file.
///
/// # Errors
/// The file is not valid as a whole, or the index could not be written.
pub fn index(state: &Path) -> Result<Option<(PathBuf, Secrets)>, Error> {
    if path(state).symlink_metadata().is_err() {
        return Ok(None);
    }
    let secrets = write_index(state)?;
    Ok(Some((state.join(ENROLLED_INDEX), secrets)))
}

fn write_index(state: &Path) -> Result<Secrets, Error> {
    let path = path(state);
    let wrong = |why| Error::Form {
        path: path.clone(),
        why,
    };
    let opened = trusted_file::open(&path, Access::OwnerOnly).map_err(FileError::from)?;
    let stamp = || {
        let file = opened.file.metadata();
        file.map_err(|_| wrong("its times cannot be read"))
    };
    let before = stamp()?;
    wait_for_next_tick(&before);
    let text = opened.read(MAPPING_LIMIT).map_err(FileError::from)?;
    let text = Secret::new(toml_file::text(text, &path)?);
    let secrets = parse(text.expose(), &path)?;
    let bytes = index::encode(&positions(&secrets), Stamp::of(&before))
        .filter(|_| stamp().is_ok_and(|after| Stamp::of(&after) == Stamp::of(&before)))
        .ok_or(wrong("it was changed meanwhile"))?;
    let folder = Folder::open(state)?;
    folder.update(ENROLLED_INDEX, |_| ((), FileChange::Write(bytes)))?;
    Ok(secrets)
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
