//! Who is behind a name: users.toml, and directory.toml where config.toml has `[directory]`.
//!
//! users.toml wins, name by name. A name is unenrolled only when both files are valid and neither
//! has it: where directory.toml is missing or not valid, every name that users.toml does not have
//! is an error. Both files are looked up for each name, so that the time does not tell which of
//! them has it. Called by the engine for each login, and by `authyctl`.

use std::path::{Path, PathBuf};

use super::config::Config;
use super::directory;
#[cfg(feature = "admin")]
use super::directory::Directory;
#[cfg(feature = "admin")]
use super::users::Mapping;
use super::users::{self, Entry};
use crate::host::toml_file::Error;

pub use super::users::Origin;

/// The files of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// The path of users.toml.
    users: PathBuf,
    /// The state folder, where directory.toml counts.
    state: Option<PathBuf>,
}

/// The entry of a name, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entry.
    pub entry: Entry,
    /// The line of the entry, counted from 1; `None` without an entry.
    pub line: Option<usize>,
    /// Which file it is from.
    pub origin: Origin,
}

impl People {
    /// The users.toml at `users`, and the directory.toml of this configuration.
    #[must_use]
    pub fn new(users: &Path, config: &Config) -> Self {
        let state = config.directory.as_ref().map(|_| &config.paths.state);
        Self {
            users: users.to_owned(),
            state: state.cloned(),
        }
    }

    /// users.toml alone.
    #[must_use]
    pub fn without_directory(users: &Path) -> Self {
        Self {
            users: users.to_owned(),
            state: None,
        }
    }

    /// The path of the file that an entry is from.
    #[must_use]
    pub fn path(&self, origin: Origin) -> PathBuf {
        match (origin, &self.state) {
            (Origin::Directory, Some(state)) => directory::path(state),
            (Origin::Users, _) | (Origin::Directory, None) => self.users.clone(),
        }
    }

    /// Finds the entry of `user`.
    ///
    /// # Errors
    /// users.toml cannot be trusted or read, or is not valid as a whole; or it does not have the
    /// name, and the same is true of directory.toml.
    pub fn find(&self, user: &str) -> Result<Found, Error> {
        let own = users::find(&self.users, user);
        let listed = (self.state.as_ref()).map(|state| directory::find(state, user));
        let own = own?;
        let (found, origin) = match listed {
            Some(listed) if own.entry == Entry::Absent => match listed? {
                listed if listed.entry == Entry::Absent => (own, Origin::Users),
                listed => (listed, Origin::Directory),
            },
            _ => (own, Origin::Users),
        };
        Ok(Found {
            entry: found.entry,
            line: found.line,
            origin,
        })
    }

    /// Reads both files as one mapping. A directory.toml that cannot be used is returned as an
    /// error together with users.toml, whose people can log in without it.
    ///
    /// # Errors
    /// users.toml cannot be trusted or read, or is not valid as a whole.
    #[cfg(feature = "admin")]
    pub fn load(&self) -> Result<(Mapping, Option<Error>), Error> {
        let mut mapping = Mapping::load(&self.users)?;
        let error = self.add_directory(&mut mapping).err();
        Ok((mapping, error))
    }

    /// Adds the names of directory.toml to a mapping that was read from users.toml, but for those
    /// that it has.
    ///
    /// # Errors
    /// directory.toml is missing, cannot be trusted or read, or is not valid as a whole.
    #[cfg(feature = "admin")]
    pub fn add_directory(&self, mapping: &mut Mapping) -> Result<(), Error> {
        if let Some(state) = &self.state {
            let directory = Directory::load(state)?;
            for (user, entry) in directory.iter() {
                mapping.add_listed(user, entry, directory.line(user).unwrap_or_default());
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "admin"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::base::factor::{AuthyId, Person};

    struct Host {
        folder: tempfile::TempDir,
        people: People,
    }

    impl Host {
        /// A host whose users.toml has alice and bob, and whose directory.toml has this text.
        fn new(directory: Option<&str>) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let state = folder.path().join("state");
            let people = People {
                users: folder.path().join("users.toml"),
                state: Some(state.clone()),
            };
            let put = |path: PathBuf, text: &str, mode| {
                fs::write(&path, text).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            };
            put(people.users.clone(), "[users]\nalice = 1\nbob = 0\n", 0o644);
            fs::create_dir(&state).unwrap();
            fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
            if let Some(text) = directory {
                put(directory::path(&state), text, 0o600);
            }
            Self { folder, people }
        }

        fn find(&self, user: &str) -> Result<(Entry, Origin), String> {
            let found = self.people.find(user);
            found
                .map(|found| (found.entry, found.origin))
                .map_err(|error| error.to_string())
        }
    }

    fn at(id: u64) -> Entry {
        Entry::Enrolled(Person::from(AuthyId::try_from(id).unwrap()))
    }

    const BOTH: &str = "[users]\nalice = 7\nbob = 7\ncarol = 3\neve = 0\n\
                        [removed]\ndave = { removed = 2026-11-27T12:00:00Z }\n";

    #[test]
    fn users_toml_wins_name_by_name() {
        let host = Host::new(Some(BOTH));
        assert_eq!(host.find("alice"), Ok((at(1), Origin::Users)));
        // Also an entry that cannot be used.
        let bob = host.find("bob");
        assert!(matches!(bob, Ok((Entry::Invalid { .. }, Origin::Users))));
        assert_eq!(host.find("carol"), Ok((at(3), Origin::Directory)));
        let eve = host.find("eve");
        assert!(matches!(
            eve,
            Ok((Entry::Invalid { line: 5, .. }, Origin::Directory))
        ));
        let dave = host.find("dave");
        assert!(matches!(
            dave,
            Ok((Entry::Removed { .. }, Origin::Directory))
        ));
        assert_eq!(host.find("mallory"), Ok((Entry::Absent, Origin::Users)));
        let (mapping, error) = host.people.load().unwrap();
        assert!(error.is_none());
        let names = ["alice", "bob", "carol", "dave", "eve", "mallory"];
        for name in names {
            let found = host.people.find(name).unwrap();
            let loaded = (mapping.find(name), mapping.line(name), mapping.origin(name));
            assert_eq!((found.entry, found.line, found.origin), loaded, "{name}");
        }
    }

    #[test]
    fn without_a_valid_directory_toml_every_other_name_is_an_error() {
        for broken in [None, Some("[users\n"), Some("[users]\ncarol = { x = 1 }\n")] {
            let host = Host::new(broken);
            assert_eq!(host.find("alice"), Ok((at(1), Origin::Users)));
            let error = host.find("carol").unwrap_err();
            assert!(error.contains("directory.toml"), "{error}");
            let (mapping, error) = host.people.load().unwrap();
            assert_eq!(mapping.find("alice"), at(1));
            assert!(error.is_some());
        }
        let host = Host::new(Some(BOTH));
        fs::write(&host.people.users, "[users\n").unwrap();
        assert!(host.find("carol").unwrap_err().contains("users.toml"));
        fs::remove_file(&host.people.users).unwrap();
        assert!(host.find("carol").unwrap_err().contains("users.toml"));
    }

    #[test]
    fn a_host_without_the_table_does_not_look_at_the_file() {
        let host = Host::new(Some("[users\n"));
        let text = format!(
            "[paths]\nstate = \"{}/state\"\n",
            host.folder.path().display()
        );
        let config = Config::parse(&text, Path::new("config.toml")).unwrap();
        let people = People::new(&host.people.users, &config);
        assert_eq!(people.find("carol").unwrap().entry, Entry::Absent);
        assert_eq!(people, People::without_directory(&host.people.users));
        let text = format!(
            "{text}[directory]\nurl = \"ldapi:///s\"\nbase = \"dc=a\"\npreset = \"freeipa\"\n\
             attributes = {{ authy_id = \"a\" }}\n"
        );
        let config = Config::parse(&text, Path::new("config.toml")).unwrap();
        assert_eq!(People::new(&host.people.users, &config), host.people);
    }
}
