//! The listener goes on, whatever started it and whatever becomes of its standard error: users can
//! be the cause of a line there.

use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{Client, SU, socket};
use crate::common::child::{as_child, child, ends_well};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;
use crate::common::test_name;

/// Connects to root's socket as another user, about whom the listener complains.
const STRANGER: [&str; 8] = [
    "setpriv",
    "--reuid",
    "12345",
    "--clear-groups",
    "perl",
    "-MIO::Socket::UNIX",
    "-e",
    "IO::Socket::UNIX->new(shift)->sysread(my $bytes, 9)",
];

#[test]
#[ignore = "needs root"]
fn a_standard_error_that_is_full_broken_or_not_read_neither_ends_nor_stops_the_listener() {
    sandboxed!();
    let rows = [
        "exec \"$0\" \"$@\" 2>/dev/full",
        "exec 2> >(exec true); wait $!; exec \"$0\" \"$@\"",
        "exec 2> >(exec sleep 600); timeout 1 cat /dev/zero >&2; exec \"$0\" \"$@\"",
    ];
    check_rows(rows, |script| {
        let mut service = Service::start_in(&["bash", "-c", script]);
        let chmod = Command::new("chmod").arg("0666").arg(socket()).status();
        assert!(chmod.unwrap().success());
        let mut stranger = Command::new(STRANGER[0])
            .args(&STRANGER[1..])
            .arg(socket())
            .spawn()
            .unwrap();
        // The listener is still to take the connection; the next one waits behind it.
        thread::sleep(Duration::from_millis(500));
        assert!(Client::connect().is_some());
        assert!(service.child.try_wait().unwrap().is_none(), "it has ended");
        stranger.wait().unwrap();
    });
}

#[test]
#[ignore = "needs root"]
fn a_listener_that_was_started_with_ignored_signals_gives_places_back() {
    if as_child().is_some() {
        for number in 0..40 {
            assert!(Client::connect().is_some(), "connection {number}");
            thread::sleep(Duration::from_millis(50));
        }
        return;
    }
    sandboxed!();
    let ignored = "trap '' CHLD ALRM; exec \"$0\" \"$@\"";
    let _service = Service::start_in(&["bash", "-c", ignored]);
    let folder = tempfile::tempdir().unwrap();
    let wrapper = format!("exec {} -- \"$0\" \"$@\"", SU.join(" "));
    ends_well(child(&wrapper, test_name!(), folder.path()));
}
