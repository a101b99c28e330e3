//! The state folder: who may own it, and that a change is whole or none.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::sync::mpsc;
use std::time::Instant;

use nix::unistd::geteuid;

use super::*;

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn write(folder: &Folder, text: &str) -> Result<(), Error> {
    folder.update("f", |_| ((), FileChange::Write(text.into())))
}

#[test]
fn a_missing_folder_is_made_for_its_owner_alone_and_the_one_above_is_not() {
    let above = temporary();
    let path = above.path().join("state");
    assert!(Folder::find(&path, &[]).unwrap().is_none());
    let folder = Folder::open(&path).unwrap();
    folder.sub("limits").unwrap();
    assert_eq!((mode(&path), mode(&path.join("limits"))), (0o700, 0o700));
    assert!(Folder::find(&path, &[]).unwrap().is_some());
    let error = Folder::open(&above.path().join("a/b")).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("/a/b: No such file or directory"),
        "{error}"
    );
}

#[test]
fn a_file_is_written_read_and_taken_away() {
    let above = temporary();
    let folder = Folder::open(&above.path().join("state")).unwrap();
    assert_eq!(folder.read("f").unwrap(), None);
    write(&folder, "one").unwrap();
    let seen = folder.update("f", |old| {
        (old.unwrap().to_vec(), FileChange::Write("two".into()))
    });
    assert_eq!(seen.unwrap(), b"one");
    folder.update("f", |_| ((), FileChange::Keep)).unwrap();
    assert_eq!(folder.read("f").unwrap().unwrap(), b"two");
    assert_eq!(folder.names().unwrap(), ["f"]);
    assert_eq!(mode(&above.path().join("state/f")), 0o600);
    folder
        .update_durably("f", |_| ((), FileChange::Remove))
        .unwrap();
    assert_eq!(folder.names().unwrap(), [""; 0]);
}

#[test]
fn a_folder_that_others_can_enter_is_refused() {
    let above = temporary();
    let path = above.path().join("state");
    fs::create_dir(&path).unwrap();
    for bits in [0o701, 0o710, 0o750, 0o755, 0o777] {
        set_mode(&path, bits);
        assert!(Folder::open(&path).unwrap_err().is_untrusted(), "{bits:o}");
    }
    set_mode(&path, 0o700);
    let folder = Folder::open(&path).unwrap();
    fs::create_dir(path.join("limits")).unwrap();
    set_mode(&path.join("limits"), 0o755);
    assert!(folder.sub("limits").unwrap_err().is_untrusted());
    let find = || Folder::find(&path, &["limits"]);
    assert!(find().unwrap_err().is_untrusted());
    set_mode(&path.join("limits"), 0o700);
    assert!(find().unwrap().is_some());
    set_mode(&path, 0o750);
    assert!(find().unwrap_err().is_untrusted());
    set_mode(&path, 0o700);
    assert!(Folder::find(&path, &["recovery"]).unwrap().is_none());
    // One above that others can write.
    set_mode(above.path(), 0o777);
    assert!(Folder::open(&path).unwrap_err().is_untrusted());
}

#[test]
fn a_file_that_others_can_read_is_refused_and_so_are_links_and_pipes() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    write(&folder, "one").unwrap();
    set_mode(&path.join("f"), 0o640);
    assert!(folder.read("f").unwrap_err().is_untrusted());
    assert!(write(&folder, "two").unwrap_err().is_untrusted());
    symlink("f", path.join("link")).unwrap();
    assert!(folder.read("link").unwrap_err().is_untrusted());
    nix::unistd::mkfifo(&path.join("fifo"), Mode::S_IRUSR).unwrap();
    assert!(folder.read("fifo").unwrap_err().is_untrusted());
    symlink("/etc", path.join("sub")).unwrap();
    assert!(folder.sub("sub").unwrap_err().is_untrusted());
    // The lock of another is not taken.
    symlink("f", path.join("g.lock")).unwrap();
    let locked = folder.update("g", |_| ((), FileChange::Keep));
    assert!(locked.unwrap_err().is_untrusted());
}

#[test]
#[ignore = "needs root"]
fn what_somebody_else_owns_is_refused() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    write(&folder, "one").unwrap();
    chown(path.join("f"), Some(12345), None).unwrap();
    let error = folder.read("f").unwrap_err();
    assert!(
        error.is_untrusted() && error.to_string().contains("belongs to uid 12345"),
        "{error}"
    );
    chown(&path, Some(12345), None).unwrap();
    assert!(Folder::open(&path).unwrap_err().is_untrusted());
}

#[test]
fn a_name_with_a_slash_is_no_file() {
    let above = temporary();
    let folder = Folder::open(&above.path().join("state")).unwrap();
    for name in [
        "",
        ".",
        "..",
        "a/b",
        "/etc/passwd",
        "f.lock",
        "f.new",
        "A",
        "a\nb",
    ] {
        assert!(folder.read(name).is_err(), "{name}");
        assert!(folder.sub(name).is_err(), "{name}");
    }
    for user in ["../../etc/passwd", "", "a/b", &"x".repeat(256), "Ünï"] {
        assert!(is_name(&file_name(user)), "{user}");
    }
    assert_eq!(
        file_name("alice"),
        "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"
    );
    let names = ["alice", "Alice", "ALICE", "alice ", "élise", "Élise"];
    let files: BTreeSet<_> = names.map(file_name).into_iter().collect();
    assert_eq!(files.len(), names.len(), "two users have one file");
}

#[test]
fn a_lock_that_another_holds_is_waited_for_a_second_and_then_refused() {
    let above = temporary();
    let folder = Folder::open(&above.path().join("state")).unwrap();
    let (release, held) = mpsc::channel::<()>();
    let (started, is_held) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            folder.update("f", move |_| {
                started.send(()).unwrap();
                let _ = held.recv();
                ((), FileChange::Keep)
            })
        });
        is_held.recv().unwrap();
        let start = Instant::now();
        let error = write(&folder, "two").unwrap_err();
        let took = start.elapsed();
        drop(release);
        assert!(
            error.is_locked() && error.to_string().contains("lock"),
            "{error}"
        );
        assert!((PATIENCE..PATIENCE * 2).contains(&took), "{took:?}");
    });
    write(&folder, "two").unwrap();
}

#[test]
fn what_a_killed_writer_left_is_taken_away_by_the_next() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    write(&folder, "old").unwrap();
    fs::write(path.join("f.new"), "half").unwrap();
    assert_eq!(folder.read("f").unwrap().unwrap(), b"old");
    assert_eq!(folder.names().unwrap(), ["f"]);
    write(&folder, "two").unwrap();
    assert!(!path.join("f.new").exists());
}

#[test]
fn a_folder_made_in_the_same_place_later_is_not_the_opened_one() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    fs::rename(&path, above.path().join("moved")).unwrap();
    fs::create_dir(&path).unwrap();
    write(&folder, "one").unwrap();
    assert!(above.path().join("moved/f").exists() && !path.join("f").exists());
}

#[test]
fn errors_tell_apart_disk_and_process() {
    let error = |errno| io_error(Path::new("/x"), errno);
    for disk in [Errno::ENOSPC, Errno::EDQUOT, Errno::EROFS] {
        assert!(error(disk).is_disk() && !error(disk).is_process(), "{disk}");
    }
    for process in [Errno::EFBIG, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM] {
        assert!(
            error(process).is_process() && !error(process).is_disk(),
            "{process}"
        );
    }
    for permission in [Errno::EACCES, Errno::EPERM] {
        assert_eq!(
            error(permission).is_disk(),
            !geteuid().is_root(),
            "{permission}"
        );
    }
    assert!(!error(Errno::EIO).is_disk() && !error(Errno::EIO).is_process());
}

#[test]
fn only_content_of_the_same_version_is_used() {
    let FileChange::Write(bytes) = encode(&vec![1, 2], 3) else {
        panic!("a value is written");
    };
    let read = |bytes: &[u8], version| decode::<Vec<u32>>(bytes, version);
    assert_eq!(read(&bytes, 3), Ok(vec![1, 2]));
    assert_eq!(read(&bytes, 2), Err(Unreadable::Newer(3)));
    assert_eq!(read(&bytes, 4), Err(Unreadable::Corrupt));
    assert_eq!(
        read(br#"{"version":9,"other":[]}"#, 3),
        Err(Unreadable::Newer(9))
    );
    for cut in 0..bytes.len() {
        assert_eq!(read(&bytes[..cut], 3), Err(Unreadable::Corrupt), "{cut}");
    }
    assert_eq!(
        read(br#"{"version":3,"body":[1],"x":1}"#, 3),
        Err(Unreadable::Corrupt)
    );
}

proptest::proptest! {
    #[test]
    fn no_content_makes_the_reader_panic(bytes: Vec<u8>) {
        let _ = decode::<Vec<u32>>(&bytes, 1);
    }
}
