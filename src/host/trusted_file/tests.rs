//! Which files are opened: owners, modes, types and links.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

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

#[test]
fn a_file_below_a_folder_that_others_can_write_is_refused() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    let path = folder.path().join("a/b/f");
    fs::write(&path, "").unwrap();
    fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(refusal(&path, Access::WorldReadable).contains("the folder"));
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
    assert!(
        read(&path, Access::OwnerOnly, 3)
            .unwrap_err()
            .to_string()
            .contains("larger")
    );
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
fn a_name_with_a_slash_behind_it_is_no_file() {
    let folder = folder();
    let path = file(&folder, "f", 0o600);
    let slashed = PathBuf::from(format!("{}/", path.display()));
    assert!(read(&slashed, Access::OwnerOnly, LIMIT).is_err());
}

#[test]
#[ignore = "needs root"]
fn files_folders_and_links_of_somebody_else_are_refused() {
    let folder = folder();
    let path = file(&folder, "f", 0o600);
    symlink("f", folder.path().join("link")).unwrap();
    std::os::unix::fs::lchown(folder.path().join("link"), Some(12345), None).unwrap();
    let refused = refusal(&folder.path().join("link"), Access::OwnerOnly);
    assert!(
        refused.contains("the link") && refused.contains("12345"),
        "{refused}"
    );
    chown(&path, Some(12345), None).unwrap();
    assert!(refusal(&path, Access::OwnerOnly).contains("it belongs to uid 12345"));
    chown(&path, Some(0), None).unwrap();
    chown(folder.path(), Some(12345), None).unwrap();
    assert!(refusal(&path, Access::OwnerOnly).contains("the folder"));
}

/// Fifty enrolments at once: one of them said "was replaced while it was opened", and so would a login.
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
