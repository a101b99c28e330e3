//! Writes users.toml: one lock, a new file beside the old one, fsync, rename; then its look-up index.
//!
//! Whoever reads meanwhile sees the old file or the new one, whole, and a writer that is killed leaves
//! one of the two. Comments, order and line ends stay (toml_edit), owner and mode too. An index that
//! could not be written is no failure of a change: without one that holds, a login reads the whole
//! file. Used by `authyctl` only; the module never writes the mapping.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg, OFlag};
use tempfile::NamedTempFile;
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value, value};

use super::index::{self, Stamp};
use super::{Entry, Mapping, Person, Shared};
use crate::client::types::AuthyId;
use crate::ssh_key::Fingerprint;
use crate::text;
use crate::toml_file;
use crate::trusted_file::{self, Holds};

/// How long a writer waits for the others.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a writer waits for the file system's clock, which may tick once a second only.
const TICK: Duration = Duration::from_millis(1100);
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
    /// The user, or that key of the user's, has no entry.
    #[error("{0} is not enrolled")]
    NotMapped(String),
    /// The entry is of another form than the change.
    #[error("{user}: {why}")]
    OtherForm {
        /// The user.
        user: String,
        /// What is in the way.
        why: String,
    },
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

/// One line for the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The local user.
    pub user: String,
    /// The SSH key that stands for the person, for an account that several people share.
    pub key: Option<Fingerprint>,
    /// The person.
    pub id: AuthyId,
}

/// Maps `user` to `id` in the file at `path`, which is made when it is missing. Another id than the
/// present one is taken with `replace` only. Waits for other writers, half a minute at most.
///
/// # Errors
/// As [`Error`] says; the file is then as it was.
pub fn enroll(path: &Path, user: &str, id: AuthyId, replace: bool) -> Result<Change, Error> {
    let one = Enrolment {
        user: user.to_owned(),
        key: None,
        id,
    };
    enroll_one(path, one, replace)
}

/// [`enroll`] for a line of any form.
///
/// # Errors
/// As [`Error`] says; the file is then as it was.
pub fn enroll_one(path: &Path, one: Enrolment, replace: bool) -> Result<Change, Error> {
    // One line in, one outcome out.
    let mut outcomes = enroll_all(path, &[one], replace)?;
    outcomes.pop().unwrap_or(Err(Error::BadName(String::new())))
}

/// [`enroll_one`] for many at once, with an outcome for each; the file is written once.
///
/// # Errors
/// The mapping could not be read or written at all; the file is then as it was.
pub fn enroll_all(
    path: &Path,
    all: &[Enrolment],
    replace: bool,
) -> Result<Vec<Result<Change, Error>>, Error> {
    edit(path, |mapping, users| {
        let one = |one| add(mapping, users, one, replace);
        let outcomes: Vec<_> = all.iter().map(one).collect();
        let is_changed = outcomes.iter().flatten().any(|change| change.changed);
        Ok((outcomes, is_changed))
    })
}

/// Takes the entry of `user`, or one key of it, out of the file at `path`; gives back the id that it
/// had, where it had a usable one. With its last key an entry goes. Waits for other writers, half a
/// minute at most.
///
/// # Errors
/// As [`Error`] says; the file is then as it was.
pub fn unenroll(
    path: &Path,
    user: &str,
    key: Option<Fingerprint>,
) -> Result<Option<AuthyId>, Error> {
    edit(path, |mapping, users| {
        let missing = || Error::NotMapped(text::clean_to(user, 64));
        let previous = match (mapping.find(user), key) {
            (Entry::Absent, _) => return Err(missing()),
            (Entry::Enrolled(person), None) => Some(person.id),
            (Entry::Shared(_) | Entry::Unusable { .. }, None) => None,
            (Entry::Shared(shared), Some(key)) => {
                let id = shared.keys.get(&key).copied().ok_or_else(missing)?;
                if shared.keys.len() > 1 {
                    keys_of(users, user)?.remove(&key.to_string());
                    return Ok((Some(id), true));
                }
                Some(id)
            }
            (Entry::Enrolled(_) | Entry::Unusable { .. }, Some(_)) => return Err(missing()),
        };
        users.remove(user);
        Ok((previous, true))
    })
}

/// Checks the mapping at `path` and writes its look-up index. Waits for other writers, half a minute at
/// most. Gives back the mapping and where its index is.
///
/// # Errors
/// As [`Error`] says; an index that holds for the mapping as it is may then be missing.
pub fn index(path: &Path) -> Result<(Mapping, PathBuf), Error> {
    let path = target(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let _lock = lock(folder)?;
    let text = toml_file::read(&path, Holds::Public, trusted_file::MAPPING_LIMIT)?;
    let mapping = Mapping::parse(&text, &path)?;
    clear_leftovers(folder);
    write_index(&path, folder, &mapping, &text)?;
    Ok((mapping, index::path(&path)))
}

/// Puts one line into the table, where the mapping allows it, and into the mapping.
fn add(
    mapping: &mut Mapping,
    users: &mut Table,
    one: &Enrolment,
    replace: bool,
) -> Result<Change, Error> {
    let user = one.user.as_str();
    if user.is_empty() || user.len() > NAME_LENGTH || text::has_control(user) {
        return Err(Error::BadName(text::clean_to(user, 64)));
    }
    let before = mapping.find(user);
    let previous = present(&before, users, one)?;
    let changed = previous != Some(one.id);
    if let Some(current) = previous.filter(|_| changed && !replace) {
        let user = user.to_owned();
        return Err(Error::OtherId { user, current });
    }
    if changed {
        match one.key {
            Some(key) => set_key(users, user, key, one.id)?,
            None => set(users, user, one.id),
        }
        mapping.set(user, after(before, one));
    }
    Ok(Change { changed, previous })
}

/// The id that stands where this line is to go.
fn present(entry: &Entry, users: &Table, one: &Enrolment) -> Result<Option<AuthyId>, Error> {
    let why = match (entry, one.key) {
        (Entry::Enrolled(person), None) => return Ok(Some(person.id)),
        (Entry::Shared(shared), Some(key)) => return Ok(shared.keys.get(&key).copied()),
        (Entry::Absent, _) => return Ok(None),
        // A good id in the place of a bad one mends an entry that has nothing else.
        (Entry::Unusable { .. }, None) if has_only_an_id(users, &one.user) => return Ok(None),
        (Entry::Unusable { message, .. }, _) => format!("mend it by hand: {message}"),
        (Entry::Shared(_), None) => {
            "several people share it; say by which SSH key this one logs in".to_owned()
        }
        (Entry::Enrolled(_), Some(_)) => {
            "it is one person's; unenroll it before several share it".to_owned()
        }
    };
    let user = text::clean_to(&one.user, 64);
    Err(Error::OtherForm { user, why })
}

fn has_only_an_id(users: &Table, user: &str) -> bool {
    match users.get(user).and_then(Item::as_inline_table) {
        Some(table) => table.iter().all(|(key, _)| key == "authy_id"),
        None => true,
    }
}

/// What the mapping says once this line stands in it.
fn after(before: Entry, one: &Enrolment) -> Entry {
    match (before, one.key) {
        (Entry::Enrolled(person), None) => Entry::Enrolled(Person {
            id: one.id,
            ..person
        }),
        (Entry::Shared(mut shared), Some(key)) => {
            shared.keys.insert(key, one.id);
            Entry::Shared(shared)
        }
        (_, Some(key)) => Entry::Shared(Shared {
            keys: [(key, one.id)].into(),
            push: None,
        }),
        (_, None) => Entry::Enrolled(one.id.into()),
    }
}

/// Sets an entry and keeps what stands around it: the comment behind a line, the longer form.
fn set(users: &mut Table, user: &str, id: AuthyId) {
    match users.get_mut(user) {
        Some(Item::Value(Value::InlineTable(table))) => {
            table.insert("authy_id", number(id).into());
        }
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = number(id).into();
            *old.decor_mut() = decor;
        }
        _ => {
            users.insert(user, value(number(id)));
        }
    }
}

/// Sets one key of a shared account, which is made when it is missing.
fn set_key(users: &mut Table, user: &str, key: Fingerprint, id: AuthyId) -> Result<(), Error> {
    if !users.contains_key(user) {
        let mut entry = InlineTable::new();
        entry.insert("keys", InlineTable::new().into());
        users.insert(user, value(entry));
    }
    let keys = keys_of(users, user)?;
    let key = key.to_string();
    match keys.get_mut(&key) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = number(id).into();
            *old.decor_mut() = decor;
        }
        None => {
            keys.insert(&key, number(id).into());
        }
    }
    Ok(())
}

/// The keys of a shared account's entry.
fn keys_of<'a>(users: &'a mut Table, user: &str) -> Result<&'a mut InlineTable, Error> {
    let entry = users.get_mut(user).and_then(Item::as_inline_table_mut);
    let keys = entry.and_then(|entry| entry.get_mut("keys"));
    keys.and_then(Value::as_inline_table_mut)
        .ok_or_else(|| Error::OtherForm {
            user: text::clean_to(user, 64),
            why: "has no table of keys".to_owned(),
        })
}

/// An authy id as TOML has it: its largest value is that of i64.
fn number(id: AuthyId) -> i64 {
    i64::try_from(id.number()).unwrap_or(i64::MAX)
}

/// Reads, changes and writes the mapping under the lock. `change` says whether there is something to
/// write.
fn edit<T>(
    path: &Path,
    change: impl FnOnce(&mut Mapping, &mut Table) -> Result<(T, bool), Error>,
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
    let mut mapping = Mapping::parse(text, &path)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|_| io_error(&path, "not TOML".into()))?;
    let users = document
        .entry("users")
        .or_insert_with(|| Item::Table(Table::new()))
        .as_table_mut()
        .ok_or_else(|| io_error(&path, "write [users] on a line of its own".into()))?;
    let (result, is_changed) = change(&mut mapping, users)?;
    if is_changed {
        let new = line_ends(text, &document.to_string());
        // What is written must be readable: a mapping that refuses itself would lock everybody out.
        let mapping = Mapping::parse(&new, &path)?;
        clear_leftovers(folder);
        put(&path, beside(folder, new.as_bytes()), &path)?;
        // The change is made; see the head of this file.
        let _ = write_index(&path, folder, &mapping, &new);
    }
    Ok(result)
}

/// Writes the index of the mapping at `path`, which says `text`.
fn write_index(path: &Path, folder: &Path, mapping: &Mapping, text: &str) -> Result<(), Error> {
    let at = index::path(path);
    let failed = |error| Error::Io {
        path: at.clone(),
        error,
    };
    let mut new = beside(folder, b"").map_err(failed)?;
    let opened = trusted_file::open(path, Holds::Public).map_err(super::Error::from)?;
    let before = opened.file.metadata().map_err(failed)?;
    // Times of files advance in ticks: what is written in the tick of the last change cannot be told
    // from it. Once the tick is over every later change shows, and only then is the text compared.
    let changed = (before.ctime(), before.ctime_nsec());
    pass_tick(changed, || clock(&mut new)).map_err(failed)?;
    let found = opened
        .read(trusted_file::MAPPING_LIMIT)
        .map_err(super::Error::from)?;
    let stamp = Stamp::of(&opened.file.metadata().map_err(failed)?);
    if found != text.as_bytes() || stamp != Stamp::of(&before) {
        return Err(failed(io::Error::other(
            "the mapping was changed meanwhile",
        )));
    }
    let bytes = index::encode(mapping, stamp)
        .ok_or_else(|| failed(io::Error::other("a name is too long for an index")))?;
    let new = new.rewind().and_then(|()| {
        new.as_file().set_len(0)?;
        new.write_all(&bytes)?;
        Ok(new)
    });
    put(&at, new, path)
}

/// Waits until a file system's clock is past a time.
fn pass_tick(
    time: (i64, i64),
    mut clock: impl FnMut() -> io::Result<(i64, i64)>,
) -> io::Result<()> {
    let start = Instant::now();
    while clock()? <= time {
        if start.elapsed() > TICK {
            return Err(io::Error::other("the file system's clock stands still"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// What time it is for the file system that holds a new file, in seconds and nanoseconds.
fn clock(file: &mut NamedTempFile) -> io::Result<(i64, i64)> {
    file.write_all(b"?")?;
    let status = file.as_file().metadata()?;
    Ok((status.mtime(), status.mtime_nsec()))
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

/// A new file in the folder with these bytes.
fn beside(folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut new = tempfile::Builder::new()
        .prefix(NEW_FILE_PREFIX)
        .tempfile_in(folder)?;
    new.write_all(bytes)?;
    Ok(new)
}

/// Puts a new file at `path`, with the owner and the mode of the mapping where that exists.
fn put(path: &Path, new: io::Result<NamedTempFile>, mapping: &Path) -> Result<(), Error> {
    let failed = |error| Error::Io {
        path: path.to_owned(),
        error,
    };
    let new = new.map_err(failed)?;
    let mode = match fs::metadata(mapping) {
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
    let folder = path.parent().unwrap_or(Path::new("/"));
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
        unenroll(&folder.path(), "alice", None).unwrap();
        unenroll(&folder.path(), "bob", None).unwrap();
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
            assert_eq!(mapping.find(name), Entry::Enrolled(id(5).into()), "{name}");
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
        assert!(matches!(
            unenroll(&path, "alice", None),
            Err(Error::NotMapped(_))
        ));
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

    const A: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

    fn key_of(text: &str, number: u64) -> Enrolment {
        Enrolment {
            user: "deploy".to_owned(),
            key: Some(text.parse().unwrap()),
            id: id(number),
        }
    }

    #[test]
    fn keys_of_a_shared_account_come_and_go_and_the_entry_with_the_last() {
        let folder = Folder::with(FILE);
        let path = folder.path();
        let all = [key_of(A, 5), key_of(B, 6), key_of(A, 7)];
        let outcomes = enroll_all(&path, &all, false).unwrap();
        assert!(matches!(&outcomes[2], Err(Error::OtherId { current, .. }) if *current == id(5)));
        let expected = format!("{FILE}deploy = {{ keys = {{ \"{A}\" = 5, \"{B}\" = 6 }} }}\n");
        assert_eq!(folder.text(), expected);
        assert_eq!(
            unenroll(&path, "deploy", Some(A.parse().unwrap())).unwrap(),
            Some(id(5))
        );
        assert!(
            folder
                .text()
                .ends_with(&format!("deploy = {{ keys = {{ \"{B}\" = 6 }} }}\n"))
        );
        assert!(matches!(
            unenroll(&path, "deploy", Some(A.parse().unwrap())),
            Err(Error::NotMapped(_))
        ));
        assert_eq!(
            unenroll(&path, "deploy", Some(B.parse().unwrap())).unwrap(),
            Some(id(6))
        );
        assert_eq!(folder.text(), FILE);
    }

    #[test]
    fn a_change_keeps_shared_accounts_pushes_and_their_comments() {
        let text = format!(
            "[users]\ndeploy = {{\n  keys = {{\n    \"{A}\" = 1, # pat\n    \"{B}\" = 2, # kim\n  }},\n}}\n\
             jane = {{ authy_id = 3, push = \"never\" }} # no phone\n"
        );
        let folder = Folder::with(&text);
        let path = folder.path();
        enroll(&path, "alice", id(4), false).unwrap();
        enroll(&path, "jane", id(5), true).unwrap();
        enroll_all(&path, &[key_of(B, 6)], true)
            .unwrap()
            .pop()
            .unwrap()
            .unwrap();
        let expected = text
            .replace("authy_id = 3", "authy_id = 5")
            .replace("= 2, # kim", "= 6, # kim");
        assert_eq!(folder.text(), expected + "alice = 4\n");
    }

    #[test]
    fn one_form_of_an_entry_is_not_made_the_other_by_the_way() {
        let shared = format!("{{ keys = {{ \"{A}\" = 1 }} }}");
        let both = format!("{{ authy_id = 1, keys = {{ \"{A}\" = 1 }} }}");
        let text = format!(
            "[users]\ndeploy = 1\nshared = {shared}\nboth = {both}\nbad = {{ authy_id = 0 }}\n"
        );
        let folder = Folder::with(&text);
        let path = folder.path();
        let outcomes = enroll_all(&path, &[key_of(A, 5)], true).unwrap();
        assert!(matches!(&outcomes[0], Err(Error::OtherForm { .. })));
        for user in ["shared", "both"] {
            let refused = enroll(&path, user, id(5), true);
            assert!(matches!(refused, Err(Error::OtherForm { .. })), "{user}");
        }
        assert_eq!(folder.text(), text);
        enroll(&path, "bad", id(5), false).unwrap();
        assert_eq!(folder.text(), text.replace("authy_id = 0", "authy_id = 5"));
    }

    #[test]
    fn many_at_once_are_one_change_and_a_bad_one_leaves_the_others() {
        let folder = Folder::with(FILE);
        let one = |user: &str, number| Enrolment {
            user: user.to_owned(),
            key: None,
            id: id(number),
        };
        let all = [
            one("alice", 1),
            one("bob", 8),
            one("a\nb", 2),
            one("alice", 3),
            one("alice", 1),
        ];
        let outcomes = enroll_all(&folder.path(), &all, false).unwrap();
        assert!(outcomes[0].as_ref().unwrap().changed);
        assert!(matches!(&outcomes[1], Err(Error::OtherId { .. })));
        assert!(matches!(&outcomes[2], Err(Error::BadName(_))));
        assert!(matches!(&outcomes[3], Err(Error::OtherId { .. })));
        assert!(!outcomes[4].as_ref().unwrap().changed);
        assert_eq!(folder.text(), format!("{FILE}alice = 1\n"));
    }

    #[test]
    fn a_tick_is_over_when_the_clock_is_past_it_and_waiting_ends() {
        let mut ticks = [(7, 4), (7, 5), (7, 5), (7, 6), (7, 7)].into_iter();
        pass_tick((7, 5), || Ok(ticks.next().unwrap())).unwrap();
        assert_eq!(ticks.next(), Some((7, 7)));
        assert!(pass_tick((7, 5), || Ok((7, 5))).is_err());
    }
}
