//! The state folder: who may own it, and that a change is made as a whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::sync::{Barrier, mpsc};
use std::thread;
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

/// Asserts that it failed with a message that ends like this.
#[track_caller]
fn fails<T>(result: Result<T, Error>, end: &str) {
    let message = result.err().map(|error| error.to_string());
    assert!(
        message
            .as_deref()
            .is_some_and(|message| message.ends_with(end)),
        "{message:?} does not end with {end}"
    );
}

fn write(folder: &Folder, text: &str) -> Result<(), Error> {
    folder.update("f", |_| ((), FileChange::Write(text.into())))
}

#[test]
fn a_missing_folder_is_made_private_and_its_parent_is_not_made() {
    let above = temporary();
    let path = above.path().join("state");
    assert!(Folder::find(&path, &[]).unwrap().is_none());
    let folder = Folder::open(&path).unwrap();
    folder.sub("limits").unwrap();
    assert_eq!((mode(&path), mode(&path.join("limits"))), (0o700, 0o700));
    assert!(Folder::find(&path, &[]).unwrap().is_some());
    fails(
        Folder::open(&above.path().join("a/b")),
        "/a/b: No such file or directory",
    );
}

#[test]
fn a_file_is_written_read_and_removed() {
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
        // The walk to the folder refuses one that others can write, the state any access of theirs.
        let end = match bits & 0o022 {
            0 => format!("/state: group or others have access (mode {bits:04o})"),
            _ => format!("/state can be written by others (mode {bits:04o})"),
        };
        fails(Folder::open(&path), &end);
    }
    set_mode(&path, 0o700);
    let folder = Folder::open(&path).unwrap();
    fs::create_dir(path.join("limits")).unwrap();
    set_mode(&path.join("limits"), 0o755);
    let open = "/limits: group or others have access (mode 0755)";
    fails(folder.sub("limits"), open);
    let find = || Folder::find(&path, &["limits"]);
    fails(find(), open);
    set_mode(&path.join("limits"), 0o700);
    assert!(find().unwrap().is_some());
    set_mode(&path, 0o750);
    fails(find(), "/state: group or others have access (mode 0750)");
    set_mode(&path, 0o700);
    assert!(Folder::find(&path, &["recovery"]).unwrap().is_none());
    // A parent that others can write.
    set_mode(above.path(), 0o777);
    fails(Folder::open(&path), "can be written by others (mode 0777)");
}

#[test]
fn a_file_that_others_can_read_is_refused_and_so_are_links_and_pipes() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    write(&folder, "one").unwrap();
    set_mode(&path.join("f"), 0o640);
    let accessible = "/f: group or others have access (mode 0640)";
    fails(folder.read("f"), accessible);
    fails(write(&folder, "two"), accessible);
    symlink("f", path.join("link")).unwrap();
    fails(folder.read("link"), "/link: is not a regular file");
    nix::unistd::mkfifo(&path.join("fifo"), Mode::S_IRUSR).unwrap();
    fails(folder.read("fifo"), "/fifo: is not a regular file");
    symlink("/etc", path.join("sub")).unwrap();
    fails(folder.sub("sub"), "/sub: is not a folder");
    // A lock is not taken through a link.
    symlink("f", path.join("g.lock")).unwrap();
    let locked = folder.update("g", |_| ((), FileChange::Keep));
    fails(locked, "/g.lock: is not a regular file");
}

#[test]
#[ignore = "needs root"]
fn files_and_folders_of_another_user_are_refused() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    write(&folder, "one").unwrap();
    chown(path.join("f"), Some(12345), None).unwrap();
    fails(
        folder.read("f"),
        "/f: belongs to uid 12345, which is not trusted",
    );
    chown(&path, Some(12345), None).unwrap();
    fails(
        Folder::open(&path),
        "/state belongs to uid 12345, which is not trusted",
    );
}

#[test]
fn a_file_has_a_plain_name_and_each_user_another_one() {
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
fn a_held_lock_is_waited_for_one_second_and_then_an_error() {
    let above = temporary();
    let folder = Folder::open(&above.path().join("state")).unwrap();
    let (release, held) = mpsc::channel::<()>();
    let (started, is_held) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            folder.update("f", move |_| {
                started.send(()).unwrap();
                let _ = held.recv();
                ((), FileChange::Keep)
            })
        });
        is_held.recv().unwrap();
        let start = Instant::now();
        let written = write(&folder, "two");
        let took = start.elapsed();
        drop(release);
        fails(written, "/f: another process holds its lock");
        assert!((PATIENCE..PATIENCE * 2).contains(&took), "{took:?}");
    });
    write(&folder, "two").unwrap();
}

#[test]
fn an_incomplete_file_of_a_killed_writer_is_removed_by_the_next() {
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

const WORDS: Format = Format {
    magic: 0x7465_7374,
    version: 2,
    words: 3,
};

#[test]
fn a_file_of_words_is_made_with_zeros_and_keeps_what_is_exchanged() {
    let above = temporary();
    let folder = Folder::open(&above.path().join("state")).unwrap();
    let find = || folder.find_words("f", WORDS, test_words::map).unwrap();
    assert!(find().is_none());
    let file = folder.words("f", WORDS, test_words::map).unwrap();
    assert!(file.exchange(2, 0, 7) && !file.exchange(2, 0, 8));
    file.update(0, |word| word + 1);
    let other = find().unwrap();
    assert_eq!([0, 1, 2].map(|index| other.load(index)), [1, 0, 7]);
    let bytes = folder.read("f").unwrap().unwrap();
    assert_eq!(WORDS.decode(&bytes), Ok(vec![1, 0, 7]));
    assert_eq!(mode(&above.path().join("state/f")), 0o600);
    assert!(folder.unlink("f").unwrap() && !folder.unlink("f").unwrap());
    assert!(!other.is_linked());
}

#[test]
fn a_file_of_words_is_trusted_by_the_rules_of_every_file() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    let words = |name| folder.words(name, WORDS, test_words::map);
    words("f").unwrap();
    set_mode(&path.join("f"), 0o620);
    fails(words("f"), "/f: group or others have access (mode 0620)");
    symlink("f", path.join("link")).unwrap();
    fails(words("link"), "/link: is not a regular file");
    fails(words("../f"), "not a valid name for a state file");
}

#[test]
fn a_file_of_words_of_another_form_is_left_as_it_is() {
    let above = temporary();
    let path = above.path().join("state");
    let folder = Folder::open(&path).unwrap();
    drop(folder.words("f", WORDS, test_words::map).unwrap());
    let good = fs::read(path.join("f")).unwrap();
    let newer = [&(0x7465_7374_0003_u64).to_ne_bytes(), &good[8..]].concat();
    let table = [
        (&good[..31], "is damaged"),
        (&[&good[..], b"x"].concat(), "is damaged"),
        (b"{", "is damaged"),
        (&newer, "newer version of pam_authy (format 3)"),
    ];
    for (content, end) in table {
        fs::write(path.join("f"), content).unwrap();
        fails(folder.words("f", WORDS, test_words::map), end);
        assert_eq!(fs::read(path.join("f")).unwrap(), content);
        assert!(WORDS.decode(content).is_err());
    }
    // What a killed process has left is completed.
    fs::write(path.join("f"), [0; 9]).unwrap();
    assert_eq!(WORDS.decode(&[0; 9]), Ok(vec![0; 3]));
    folder.words("f", WORDS, test_words::map).unwrap();
    assert_eq!(fs::read(path.join("f")).unwrap(), good);
}

#[test]
fn a_file_of_words_that_is_being_made_is_damaged_for_no_other_process() {
    let above = temporary();
    let folder = Folder::open(&above.path().join("state")).unwrap();
    let barrier = Barrier::new(4);
    let make = || {
        let made = (0..2000).filter_map(|index| {
            barrier.wait();
            let made = folder.words(&format!("f{index}"), WORDS, test_words::map);
            made.err().map(|error| error.to_string())
        });
        made.collect::<Vec<_>>()
    };
    let errors = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(make));
        threads.map(|thread| thread.join().unwrap()).concat()
    });
    assert_eq!(errors, [""; 0]);
}

proptest::proptest! {
    #[test]
    fn no_content_makes_the_reader_panic(bytes: Vec<u8>) {
        let _ = decode::<Vec<u32>>(&bytes, 1);
    }
}
