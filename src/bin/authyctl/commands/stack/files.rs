//! The files of stacks: which folders libpam looks in, below which root, and what some of them
//! would be after a change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The folder of the administrator's own stacks.
pub(crate) const PAM_DIR: &str = "/etc/pam.d";
/// The folders in which libpam looks for a file, one after the other; the last two belong to the
/// distribution.
const FOLDERS: [&str; 3] = [PAM_DIR, "/usr/lib/pam.d", VENDOR_DIR];
/// The folder of libpam's `--enable-vendordir`.
const VENDOR_DIR: &str = "/usr/etc/pam.d";
/// Where distributions put modules; Debian also has a folder for each architecture below the first
/// two.
const MODULE_FOLDERS: [&str; 5] = [
    "/lib/security",
    "/usr/lib/security",
    "/lib64/security",
    "/usr/lib64/security",
    "/usr/lib/pam",
];
/// The largest number of symbolic links that are followed for one file.
const LINKS: usize = 16;

/// Where stacks are read from. Paths are those of the host that has them, without the root.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    root: PathBuf,
    folders: Vec<PathBuf>,
    /// libpam is the one of Debian and its relatives, which knows `@include` and looks for included
    /// files in /etc/pam.d alone.
    is_debian: bool,
    /// Every module is taken to be installed.
    has_all_modules: bool,
    /// What files would be after a change; `None` for one that would be removed.
    changed: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl Files {
    /// The files of this host, or of the system below the folder `root`.
    pub(crate) fn below(root: &Path) -> Self {
        let mut files = Self {
            root: root.to_owned(),
            folders: FOLDERS.map(PathBuf::from).to_vec(),
            is_debian: false,
            has_all_modules: false,
            changed: BTreeMap::new(),
        };
        files.is_debian = files.is_of_debian();
        if files.is_debian {
            // Debian's libpam is built without a folder of the vendor.
            files
                .folders
                .retain(|folder| folder != Path::new(VENDOR_DIR));
        }
        files
    }

    /// The files of one folder, without those of the distribution. `@include` is known.
    pub(crate) fn folder(folder: &Path) -> Self {
        Self {
            root: PathBuf::from("/"),
            folders: vec![folder.to_owned()],
            is_debian: true,
            has_all_modules: false,
            changed: BTreeMap::new(),
        }
    }

    /// Returns the same files after a change of some.
    pub(crate) fn with(
        mut self,
        changed: impl IntoIterator<Item = (PathBuf, Option<Vec<u8>>)>,
    ) -> Self {
        self.changed.extend(changed);
        self
    }

    /// Returns the same files on a host where every module is installed.
    #[cfg(test)]
    pub(crate) fn with_all_modules(mut self) -> Self {
        self.has_all_modules = true;
        self
    }

    /// Whether libpam knows `@include`.
    pub(crate) fn has_at_include(&self) -> bool {
        self.is_debian
    }

    /// Returns the file of a service, where there is one.
    pub(crate) fn of_service(&self, service: &str) -> Option<PathBuf> {
        let mut paths = self.folders.iter().map(|folder| folder.join(service));
        paths.find(|path| self.exists(path))
    }

    /// Whether a file is in the administrator's own folder, the first one.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        self.folders.first().map(PathBuf::as_path) == path.parent()
    }

    /// Returns where the administrator's own file of a service is, or would be.
    pub(crate) fn own(&self, service: &str) -> PathBuf {
        self.folders
            .first()
            .map_or_else(|| PathBuf::from(service), |folder| folder.join(service))
    }

    /// Returns the file that an include of `name` reads, where it can exist.
    pub(crate) fn included(&self, name: &Path) -> Option<PathBuf> {
        if name.is_absolute() {
            return Some(name.to_owned());
        }
        let own = self.folders.first().map(|folder| folder.join(name))?;
        if self.is_debian || self.exists(&own) {
            return Some(own);
        }
        let mut paths = self.folders.iter().map(|folder| folder.join(name));
        paths.find(|path| self.exists(path)).or(Some(own))
    }

    /// Returns the names of all services and of the files that they include, sorted. Names that no
    /// service has, with a capital letter or a dot at the beginning, are left out.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for folder in &self.folders {
            let entries = fs::read_dir(self.real(folder))
                .into_iter()
                .flatten()
                .flatten();
            names.extend(entries.filter_map(|entry| entry.file_name().into_string().ok()));
        }
        for path in self.changed.keys() {
            let is_ours = self
                .folders
                .iter()
                .any(|folder| path.parent() == Some(folder));
            let name = path.file_name().and_then(|name| name.to_str());
            names.extend(name.filter(|_| is_ours).map(str::to_owned));
        }
        names.retain(|name| self.of_service(name).is_some());
        names
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.changed.get(path) {
            Some(Some(content)) => Ok(content.clone()),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            None => fs::read(self.real(path)),
        }
    }

    /// Whether there is such a file.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        match self.changed.get(path) {
            Some(content) => content.is_some(),
            None => self.real(path).is_file(),
        }
    }

    /// Whether the path itself is a symbolic link.
    pub(crate) fn is_link(&self, path: &Path) -> bool {
        !self.changed.contains_key(path) && self.below_root(path).is_symlink()
    }

    /// Whether the file of a module exists; `None` where no folder of modules is known.
    pub(crate) fn has_module(&self, path: &Path) -> Option<bool> {
        if self.has_all_modules {
            return None;
        }
        // libpam puts the name of the architecture's folder there, `.` nearly everywhere.
        let path = PathBuf::from(path.to_string_lossy().replace("$ISA", "."));
        if path.is_absolute() {
            return Some(self.real(&path).is_file());
        }
        let folders = self.module_folders();
        let mut folders = folders.iter().filter(|folder| folder.is_dir()).peekable();
        folders.peek()?;
        Some(folders.any(|folder| folder.join(&path).is_file()))
    }

    fn module_folders(&self) -> Vec<PathBuf> {
        let mut folders = MODULE_FOLDERS
            .map(|folder| self.real(Path::new(folder)))
            .to_vec();
        for above in ["/lib", "/usr/lib"] {
            let entries = fs::read_dir(self.real(Path::new(above)))
                .into_iter()
                .flatten()
                .flatten();
            let of_architectures =
                entries.filter(|entry| entry.file_name().to_string_lossy().contains("-linux-"));
            folders.extend(of_architectures.map(|entry| entry.path().join("security")));
        }
        folders
    }

    /// Returns where a path of the host is found from here. Symbolic links, those of folders too,
    /// are followed below the root: an absolute one of an image never leads to this host.
    pub(crate) fn real(&self, path: &Path) -> PathBuf {
        let reversed = |path: &Path| -> Vec<PathBuf> {
            let parts = path.components().rev();
            parts.map(|part| part.as_os_str().into()).collect()
        };
        let mut left = reversed(path);
        let mut below = PathBuf::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            match part.components().next() {
                Some(Component::Normal(name)) => below.push(name),
                Some(Component::ParentDir) => {
                    below.pop();
                    continue;
                }
                _ => continue,
            }
            let Ok(target) = fs::read_link(self.root.join(&below)) else {
                continue;
            };
            links += 1;
            if links > LINKS {
                break;
            }
            below.pop();
            if target.is_absolute() {
                below = PathBuf::new();
            }
            left.extend(reversed(&target));
        }
        self.root.join(below)
    }

    /// Whether these are the files of this host.
    pub(crate) fn is_host(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Returns `path` below the root, itself not followed where it is a symbolic link.
    pub(crate) fn below_root(&self, path: &Path) -> PathBuf {
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => self.real(folder).join(name),
            _ => self.real(path),
        }
    }

    fn is_of_debian(&self) -> bool {
        let paths = ["/etc/os-release", "/usr/lib/os-release"];
        let release = paths
            .iter()
            .find_map(|path| fs::read(self.real(Path::new(path))).ok());
        let release = String::from_utf8_lossy(release.as_deref().unwrap_or_default()).into_owned();
        let mut ids = release.lines().filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        });
        ids.any(|value| {
            let mut words = value.trim_matches(['"', '\'']).split_whitespace();
            words.any(|word| word == "debian" || word == "ubuntu")
        }) || self.exists(Path::new("/etc/debian_version"))
    }
}
