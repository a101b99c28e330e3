//! Which files are opened: owners, modes, types and links.

use std::fs;
use std::io::Seek as _;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};

use nix::unistd::{Uid, geteuid};

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &tempfile::TempDir, name: &str, mode: u32) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, "text").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn refusal(path: &Path, access: Access) -> String {
    read(path, access, LIMIT).unwrap_err().to_string()
}

#[test]
fn a_private_file_in_a_private_folder_is_read() {
    let folder = folder();
    let path = file(&folder, "f", 0o600);
    assert_eq!(read(&path, Access::OwnerOnly, LIMIT).unwrap(), b"text");
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = folder();
    for mode in [0o640, 0o604, 0o610, 0o644, 0o660] {
        let path = file(&folder, "f", mode);
        assert!(
            refusal(&path, Access::OwnerOnly).contains("group or others"),
            "{mode:o}"
        );
    }
    assert!(read(&file(&folder, "g", 0o644), Access::WorldReadable, LIMIT).is_ok());
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let folder = folder();
    for mode in [0o664, 0o646, 0o620] {
        let path = file(&folder, "f", mode);
        assert!(
            refusal(&path, Access::WorldReadable).contains("can be written"),
            "{mode:o}"
        );
    }
}

/// `top/inner/f` and links to it, in a folder of their own.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(folder());
        fs::create_dir_all(tree.path("top/inner")).unwrap();
        file(&tree.0, "top/inner/f", 0o600);
        for folder in ["top", "top/inner"] {
            tree.set_mode(folder, 0o755);
        }
        symlink("top/inner/f", tree.path("link")).unwrap();
        symlink("top", tree.path("link-to-top")).unwrap();
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn set_owner(&self, name: &str, owner: u32) {
        lchown(self.path(name), Some(owner), None).unwrap();
    }
}

#[test]
fn a_file_below_a_folder_that_others_can_write_is_refused() {
    let is_root = geteuid().is_root();
    // The folder's mode, and whether that is refused; only root may have a sticky one.
    let modes = [
        (0o700, false),
        (0o755, false),
        (0o775, true),
        (0o757, true),
        (0o777, true),
        (0o720, true),
        (0o702, true),
        (0o1755, false),
        (0o1775, !is_root),
        (0o1757, !is_root),
        (0o1777, !is_root),
    ];
    let mut failed = Vec::new();
    for (mode, is_refused) in modes {
        for writable in ["top", "top/inner"] {
            let tree = Tree::new();
            tree.set_mode(writable, mode);
            let mut check = |path: &str, error: Option<Error>| {
                let text = error.map(|error| error.to_string()).unwrap_or_default();
                let named = format!("the folder {}", tree.path(writable).display());
                let expected = format!("{named} can be written by others (mode {mode:04o})");
                if text.contains(&expected) != is_refused || text.is_empty() == is_refused {
                    failed.push(format!("{writable} {mode:04o}, {path}: {text:?}"));
                }
            };
            for path in ["top/inner/f", "link", "link-to-top/inner/f"] {
                check(path, open(&tree.path(path), Access::OwnerOnly).err());
            }
            #[cfg(feature = "engine")]
            check(
                "top/inner",
                super::folder(&tree.path("top/inner"), false).err(),
            );
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// /tmp is the one case that is needed; for a user's own folder the rule is stricter than it must
/// be.
#[test]
#[ignore = "needs root"]
fn a_sticky_folder_that_others_can_write_is_trusted_when_it_is_roots_alone() {
    let user = ids(USER, USER);
    let tree = Tree::new();
    let open = || open_as(&tree.path("top/inner/f"), Access::OwnerOnly, user);
    for (owner, mode, is_trusted) in [
        (0, 0o1777, true),
        (USER, 0o1777, false),
        (USER, 0o1775, false),
        (USER, 0o755, true),
    ] {
        tree.set_owner("top", owner);
        tree.set_mode("top", mode);
        assert_eq!(
            open().is_ok(),
            is_trusted,
            "{owner} {mode:04o}: {:?}",
            open()
        );
    }
}

#[test]
fn nothing_but_a_regular_file_is_read_and_nothing_blocks() {
    let folder = folder();
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    assert!(refusal(&fifo, Access::OwnerOnly).contains("not a regular file"));
    assert!(refusal(folder.path(), Access::OwnerOnly).contains("not a regular file"));
    assert!(refusal(Path::new("/dev/null"), Access::WorldReadable).contains("not a regular file"));
    assert!(refusal(Path::new("/"), Access::WorldReadable).contains("not a regular file"));
}

#[test]
fn a_missing_file_is_missing_and_a_relative_path_is_refused() {
    let folder = folder();
    assert!(
        read(&folder.path().join("f"), Access::WorldReadable, 1)
            .unwrap_err()
            .is_missing()
    );
    assert!(refusal(Path::new("etc/passwd"), Access::WorldReadable).contains("absolute"));
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let folder = folder();
    let path = file(&folder, "f", 0o600);
    assert!(read(&path, Access::OwnerOnly, 4).is_ok());
    let opened = open(&path, Access::OwnerOnly).unwrap();
    let error = opened.read(3).unwrap_err().to_string();
    assert!(error.ends_with("larger than 3 bytes"), "{error}");
    let is_read = (&opened.file).stream_position().unwrap() > 0;
    assert!(!is_read, "it was refused after it was read");
}

/// The files are holes, and none of their bytes gets into memory.
#[test]
fn a_mapping_of_256_mib_may_be_read_and_a_larger_one_is_refused_unread() {
    let folder = folder();
    let path = file(&folder, "f", 0o600);
    let check_size = |bytes| {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(bytes).unwrap();
        let opened = open(&path, Access::OwnerOnly).unwrap();
        opened.size(MAPPING_LIMIT)
    };
    assert!(check_size(256 << 20).is_ok());
    let error = check_size((256 << 20) + 1).unwrap_err().to_string();
    assert!(error.ends_with("larger than 268435456 bytes"), "{error}");
}

#[test]
fn own_links_are_followed_and_a_circle_ends() {
    let folder = folder();
    file(&folder, "f", 0o600);
    symlink("f", folder.path().join("relative")).unwrap();
    symlink(
        folder.path().join("relative"),
        folder.path().join("absolute"),
    )
    .unwrap();
    symlink("circle", folder.path().join("circle")).unwrap();
    let read = |name: &str| read(&folder.path().join(name), Access::OwnerOnly, LIMIT);
    assert!(read("relative").is_ok());
    assert!(read("absolute").is_ok());
    assert!(read("../").is_err());
    assert!(
        read("circle")
            .unwrap_err()
            .to_string()
            .contains("too many links")
    );
    let resolved = resolve(&folder.path().join("absolute"), Access::OwnerOnly).unwrap();
    assert_eq!(resolved, folder.path().join("f"));
}

#[test]
fn a_file_with_a_trailing_slash_is_refused() {
    let folder = folder();
    let path = file(&folder, "f", 0o600);
    let slashed = PathBuf::from(format!("{}/", path.display()));
    assert!(read(&slashed, Access::OwnerOnly, LIMIT).is_err());
}

/// A user of the host, and another one; neither needs an account.
const USER: u32 = 12345;
const OTHER: u32 = 12346;

fn ids(real: u32, effective: u32) -> ProcessIds {
    ProcessIds {
        real: Uid::from_raw(real),
        effective: Uid::from_raw(effective),
    }
}

/// The caller of su and sudo has a process with root's rights, and may put a link or a folder of
/// their own where the stack names one.
#[test]
#[ignore = "needs root"]
fn files_folders_and_links_of_another_user_are_refused() {
    let processes = [
        ("sshd", ids(0, 0), false),
        ("su or sudo of the owner", ids(USER, 0), false),
        ("su or sudo of another user", ids(OTHER, 0), false),
        ("a daemon that acts as the owner", ids(0, USER), false),
        (
            "a set-user-ID program of the owner",
            ids(OTHER, USER),
            false,
        ),
        (
            "a set-user-ID program that the owner runs",
            ids(USER, OTHER),
            false,
        ),
        ("a process of another user", ids(OTHER, OTHER), false),
        ("a process of the owner", ids(USER, USER), true),
    ];
    let parts = [
        ("top/inner/f", "top/inner/f", "it"),
        ("top/inner", "top/inner/f", "the folder "),
        ("top", "top/inner/f", "the folder "),
        ("link", "link", "the link "),
        ("link-to-top", "link-to-top/inner/f", "the link "),
    ];
    let mut failed = Vec::new();
    for (part, path, named) in parts {
        let tree = Tree::new();
        tree.set_owner(part, USER);
        for (process, ids, is_trusted) in processes {
            for access in [Access::OwnerOnly, Access::WorldReadable] {
                let error = open_as(&tree.path(path), access, ids).err();
                let text = error.map(|error| error.to_string()).unwrap_or_default();
                let is_refused = text.contains(&format!(": {named}"))
                    && text.contains(&format!("belongs to uid {USER}, which is not trusted"));
                if is_refused == is_trusted || text.is_empty() != is_trusted {
                    failed.push(format!("{part}, {process}, {access:?}: {text:?}"));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// With fifty enrolments at once one failed with "was replaced while it was opened"; a login would
/// have failed too.
#[test]
fn a_file_that_is_replaced_again_and_again_is_read_every_time() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "text").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let new = folder.path().join("new");
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(&new, "text").unwrap();
                fs::rename(&new, &path).unwrap();
            }
        });
        let read: Vec<_> = (0..3000)
            .map(|_| read(&path, Access::WorldReadable, LIMIT))
            .collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for read in read {
            assert_eq!(
                read.map_err(|error| error.to_string()),
                Ok(b"text".to_vec())
            );
        }
    });
}
