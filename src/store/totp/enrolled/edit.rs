//! Replaces enrolled.toml, and writes its index. Called by [`super`].

use std::path::{Path, PathBuf};

use super::lines::Present;
use super::{Error, parse, path};
use crate::base::secret::Secret;
use crate::store::state::{ENROLLED, ENROLLED_INDEX, FileChange, Folder};
use crate::store::state_index;
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
    let changed = || Error::Form {
        path: path(state),
        why: "it was changed meanwhile",
    };
    let files = (ENROLLED, ENROLLED_INDEX);
    state_index::write(state, files, parse, positions, changed)
}
