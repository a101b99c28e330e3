//! A hundred thousand people in a real slapd: the first pass, one without a change, and one with
//! some. `make check-long` runs it; `make bench` measures it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::host::{SyncHost, names};
use super::slapd::{Slapd, people};

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_hundred_thousand_people_are_synced_and_an_unchanged_list_is_not_written_again() {
    let slapd = Slapd::with(&people(100_000));
    let host = SyncHost::of(&slapd, &slapd.ldaps());
    let object = host.synced();
    assert_eq!(object["people"], 100_000);
    let file = host.state().join("directory.toml");
    let before = fs::metadata(&file).unwrap();
    assert_eq!(host.synced()["written"], false);
    let after = fs::metadata(&file).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec(), before.ctime_nsec()),
        (after.ino(), after.mtime_nsec(), after.ctime_nsec())
    );
    slapd.remove("u5");
    slapd.add("new", "pamAuthyId: 5");
    slapd.set("u77777", "pamAuthyId", &["6"]);
    let object = host.synced();
    assert_eq!(names(&object, "added"), ["new"]);
    assert_eq!(names(&object, "removed"), ["u5"]);
    assert_eq!(names(&object, "held"), ["u77777"]);
    assert_eq!(object["people"], 100_000);
}
