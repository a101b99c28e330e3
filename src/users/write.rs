//! Writes users.toml: one lock, a new file beside the old one, fsync, rename.
//!
//! Whoever reads meanwhile sees the old file or the new one, whole, and a writer that is killed leaves
//! one of the two. Comments, order and line ends stay (toml_edit), owner and mode too. Used by
//! `authyctl` only; the module never writes the mapping.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg, OFlag};
use toml_edit::{DocumentMut, Item, Table, value};

use super::{Entry, Mapping};
use crate::client::types::AuthyId;
use crate::text;
use crate::toml_file;
use crate::trusted_file::{self, Holds};

/// How long a writer waits for the others.
const PATIENCE: Duration = Duration::from_secs(30);
/// How a writer names its new file; one that a killed writer left is taken away by the next.
const NEW_FILE_PREFIX: &str = ".users.toml.new-";
/// The longest user name, as Linux has it.
const NAME_LENGTH: usize = 256;

/// What a new mapping begins with.
const HEADER: &str =
    "# Which person at Authy stands for which local user; see authyctl(8).\n\n[users]\n";

/// Why the mapping was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The mapping as it is cannot be used.
    #[error(transparent)]
    Mapping(#[from] super::Error),
    /// The user is mapped to somebody else.
    #[error("{user} is enrolled with another authy id, {current}")]
    OtherId {
        /// The user.
        user: String,
        /// The id that the mapping has.
        current: AuthyId,
    },
    /// The user has no entry.
    #[error("{0} is not enrolled")]
    NotMapped(String),
    /// No account can have this name.
    #[error("{0} is no user name")]
    BadName(String),
    /// Somebody else has been writing for too long.
    #[error("{}: another writer holds the lock", .0.display())]
    Locked(PathBuf),
    /// The file system refuses.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was being written.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// What became of the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whether the file was written at all.
    pub changed: bool,
    /// The id that the entry had before, where it had a usable one.
    pub previous: Option<AuthyId>,
}

/// Maps `user` to `id` in the file at `path`, which is made when it is missing. Another id than the
/// present one is taken with `replace` only. Waits for other writers, half a minute at most.
///
/// # Errors
/// As [`Error`] says; the file is then as it was.
pub fn enroll(path: &Path, user: &str, id: AuthyId, replace: bool) -> Result<Change, Error> {
    if user.is_empty() || user.len() > NAME_LENGTH || text::has_control(user) {
        return Err(Error::BadName(text::clean_to(user, 64)));
    }
    edit(path, |mapping, users| {
        let previous = match mapping.find(user) {
            Entry::Enrolled(current) if current == id => {
                return Ok((
                    Change {
                        changed: false,
                        previous: Some(current),
                    },
                    false,
                ));
            }
            Entry::Enrolled(current) if !replace => {
                return Err(Error::OtherId {
                    user: user.to_owned(),
                    current,
                });
            }
            Entry::Enrolled(current) => Some(current),
            Entry::Unusable { .. } | Entry::Absent => None,
        };
        set(users, user, id);
        Ok((
            Change {
                changed: true,
                previous,
            },
            true,
        ))
    })
}

/// Takes the entry of `user` out of the file at `path`; gives back the id that it had, where it had a
/// usable one. Waits for other writers, half a minute at most.
///
/// # Errors
/// As [`Error`] says; the file is then as it was.
pub fn unenroll(path: &Path, user: &str) -> Result<Option<AuthyId>, Error> {
    edit(path, |mapping, users| {
        let previous = match mapping.find(user) {
            Entry::Enrolled(id) => Some(id),
            Entry::Unusable { .. } => None,
            Entry::Absent => return Err(Error::NotMapped(text::clean_to(user, 64))),
        };
        users.remove(user);
        Ok((previous, true))
    })
}

/// Sets an entry and keeps what stands around it: the comment behind a line, the longer form.
fn set(users: &mut Table, user: &str, id: AuthyId) {
    // An authy id fits, since its largest value is that of i64.
    let number = i64::try_from(id.number()).unwrap_or(i64::MAX);
    match users.get_mut(user) {
        Some(Item::Value(toml_edit::Value::InlineTable(table))) => {
            table.insert("authy_id", number.into());
        }
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = number.into();
            *old.decor_mut() = decor;
        }
        _ => {
            users.insert(user, value(number));
        }
    }
}

/// Reads, changes and writes the mapping under the lock. `change` says whether there is something to
/// write.
fn edit<T>(
    path: &Path,
    change: impl FnOnce(&Mapping, &mut Table) -> Result<(T, bool), Error>,
) -> Result<T, Error> {
    let path = target(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let _lock = lock(folder)?;
    let old = match toml_file::read(&path, Holds::Public, trusted_file::MAPPING_LIMIT) {
        Ok(text) => Some(text),
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(error.into()),
    };
    let text = old.as_deref().unwrap_or(HEADER);
    let mapping = Mapping::parse(text, &path)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|_| io_error(&path, "not TOML".into()))?;
    let users = document
        .entry("users")
        .or_insert_with(|| Item::Table(Table::new()))
        .as_table_mut()
        .ok_or_else(|| io_error(&path, "write [users] on a line of its own".into()))?;
    let (result, is_changed) = change(&mapping, users)?;
    if is_changed {
        let new = line_ends(text, &document.to_string());
        // What is written must be readable: a mapping that refuses itself would lock everybody out.
        Mapping::parse(&new, &path)?;
        replace_file(&path, folder, &new)?;
    }
    Ok(result)
}

/// toml_edit writes `\n`; a file that has `\r\n` throughout keeps it.
fn line_ends(old: &str, new: &str) -> String {
    let unix = new.replace("\r\n", "\n");
    if old.contains("\r\n") {
        unix.replace('\n', "\r\n")
    } else {
        unix
    }
}

/// The file itself: a link stays, and what it points to is replaced.
fn target(path: &Path) -> Result<PathBuf, Error> {
    match trusted_file::resolve(path, Holds::Public) {
        Ok(path) => Ok(path),
        Err(error) if error.is_missing() && path.symlink_metadata().is_err() => Ok(path.to_owned()),
        Err(error) => Err(super::Error::from(error).into()),
    }
}

/// Holds the writers' lock of a folder; another writer waits.
fn lock(folder: &Path) -> Result<Flock<File>, Error> {
    let path = folder.join(".users.toml.lock");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits())
        .open(&path)
        .map_err(|error| Error::Io {
            path: path.clone(),
            error,
        })?;
    let start = Instant::now();
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((unlocked, _)) if start.elapsed() < PATIENCE => file = unlocked,
            Err(_) => return Err(Error::Locked(path)),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Puts a new file in the old one's place, with its owner and mode.
fn replace_file(path: &Path, folder: &Path, text: &str) -> Result<(), Error> {
    let failed = |error| Error::Io {
        path: path.to_owned(),
        error,
    };
    clear_leftovers(folder);
    let mut new = tempfile::Builder::new()
        .prefix(NEW_FILE_PREFIX)
        .tempfile_in(folder)
        .map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    let mode = match fs::metadata(path) {
        Ok(old) => {
            let own = new.as_file().metadata().map_err(failed)?;
            if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
                std::os::unix::fs::fchown(new.as_file(), Some(old.uid()), Some(old.gid()))
                    .map_err(failed)?;
            }
            old.mode() & 0o7777
        }
        Err(_) => 0o644,
    };
    new.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))
        .map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(path).map_err(|error| failed(error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// Takes away what killed writers left; called under the lock, so nobody is writing one.
fn clear_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(NEW_FILE_PREFIX)
        {
            // One that cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn io_error(path: &Path, message: String) -> Error {
    Error::Io {
        path: path.to_owned(),
        error: io::Error::other(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const FILE: &str =
        "# people\n[users]\nbob = 7   # on leave\n\n# admins\n\"jane.doe\" = { authy_id = 9 }\n";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(text: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            fs::write(folder.path(), text).unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o640)).unwrap();
            folder
        }
        fn path(&self) -> PathBuf {
            self.0.path().join("users.toml")
        }
        fn text(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }
    }

    fn id(number: u64) -> AuthyId {
        number.try_into().unwrap()
    }

    #[test]
    fn comments_order_and_mode_stay() {
        let folder = Folder::with(FILE);
        enroll(&folder.path(), "alice", id(1635), false).unwrap();
        enroll(&folder.path(), "bob", id(8), true).unwrap();
        enroll(&folder.path(), "jane.doe", id(10), true).unwrap();
        let expected = FILE
            .replace("bob = 7", "bob = 8")
            .replace("authy_id = 9", "authy_id = 10")
            + "alice = 1635\n";
        assert_eq!(folder.text(), expected);
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o640);
        unenroll(&folder.path(), "alice").unwrap();
        unenroll(&folder.path(), "bob").unwrap();
        assert!(
            folder.text().starts_with("# people\n[users]\n\n# admins\n"),
            "{}",
            folder.text()
        );
    }

    #[test]
    fn the_same_id_again_changes_nothing_and_another_needs_replace() {
        let folder = Folder::with(FILE);
        let again = enroll(&folder.path(), "bob", id(7), false).unwrap();
        assert_eq!(
            again,
            Change {
                changed: false,
                previous: Some(id(7))
            }
        );
        let error = enroll(&folder.path(), "bob", id(8), false).unwrap_err();
        assert!(matches!(error, Error::OtherId { current, .. } if current == id(7)));
        assert_eq!(folder.text(), FILE);
    }

    #[test]
    fn names_that_need_quotes_get_them() {
        let folder = Folder::with("[users]\n");
        for name in ["jane.doe", "a b", "ü", "say \"hi\"", "DOMAIN\\user", "a@b"] {
            enroll(&folder.path(), name, id(5), false).unwrap();
            let mapping = Mapping::load(&folder.path()).unwrap();
            assert_eq!(mapping.find(name), Entry::Enrolled(id(5)), "{name}");
        }
        for name in ["", "a\nb", "a\x1bb"] {
            assert!(matches!(
                enroll(&folder.path(), name, id(5), false),
                Err(Error::BadName(_))
            ));
        }
    }

    #[test]
    fn a_missing_file_is_made_and_readable_by_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.toml");
        assert!(matches!(unenroll(&path, "alice"), Err(Error::NotMapped(_))));
        enroll(&path, "alice", id(5), false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
    }

    #[test]
    fn an_invalid_file_stays_as_it_is() {
        let text = "[users]\njane.doe = 5\n";
        let folder = Folder::with(text);
        assert!(matches!(
            enroll(&folder.path(), "bob", id(5), false),
            Err(Error::Mapping(_))
        ));
        assert_eq!(folder.text(), text);
    }

    #[test]
    fn windows_line_ends_stay() {
        let folder = Folder::with("[users]\r\nbob = 7\r\n");
        enroll(&folder.path(), "alice", id(5), false).unwrap();
        assert_eq!(folder.text(), "[users]\r\nbob = 7\r\nalice = 5\r\n");
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let folder = Folder::with(FILE);
        let link = folder.0.path().join("link.toml");
        symlink("users.toml", &link).unwrap();
        enroll(&link, "alice", id(5), false).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(folder.text().ends_with("alice = 5\n"));
    }

    #[test]
    fn many_writers_at_once_lose_no_line() {
        let folder = Folder::with("[users]\n");
        std::thread::scope(|scope| {
            for number in 1..=16 {
                let path = folder.path();
                scope.spawn(move || {
                    enroll(&path, &format!("u{number}"), id(number), false).unwrap()
                });
            }
        });
        assert_eq!(Mapping::load(&folder.path()).unwrap().iter().count(), 16);
    }

    #[test]
    fn what_a_killed_writer_left_is_taken_away() {
        let folder = Folder::with(FILE);
        let left = folder.0.path().join(".users.toml.new-abc");
        fs::write(&left, "half").unwrap();
        enroll(&folder.path(), "alice", id(5), false).unwrap();
        assert!(!left.exists());
    }
}
