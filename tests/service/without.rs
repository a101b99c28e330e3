//! A service that is not there, is silent, or is a stranger's: root's logins start an engine where
//! that is safe, and the callers of su are refused.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use super::{SU, Treat, listen, new_folder, socket};
use crate::common::application::{command, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::FOLDER;

/// A name, what is prepared, and what follows.
type Row<T> = (&'static str, fn(), T);

/// The code of a login by root and by the caller of su, who is not enrolled and gives a wrong code.
fn codes(host: &Host) -> [&'static str; 2] {
    [&[][..], &SU].map(|wrapper| {
        let said = run(command(host, "kim", wrapper, &[]), &["", "", ""]);
        said.names()[0]
    })
}

const ASKED: &str = "PAM_MAXTRIES";
const NO_ENGINE: &str = "PAM_SERVICE_ERR";

#[test]
#[ignore = "needs root"]
fn where_nobody_listens_root_starts_an_engine_and_su_only_on_a_host_without_the_service() {
    sandboxed!();
    let host = Host::new().installed();
    let rows: [Row<[&str; 2]>; 3] = [
        ("no folder", || drop(fs::remove_dir_all(FOLDER)), [ASKED; 2]),
        ("no socket", new_folder, [ASKED, NO_ENGINE]),
        (
            "a dead socket",
            || {
                new_folder();
                drop(UnixListener::bind(socket()).unwrap());
            },
            [ASKED, NO_ENGINE],
        ),
    ];
    check_rows(rows, |(name, prepare, expected)| {
        prepare();
        assert_eq!(codes(&host), expected, "{name}: {}", host.log());
    });
}

#[test]
#[ignore = "needs root"]
fn a_service_that_does_nothing_locks_root_out_of_nothing_and_is_no_way_round_for_su() {
    sandboxed!();
    let host = Host::new().installed();
    let rows: [(&str, Treat); 2] = [
        ("silent", |stream| {
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(60));
                drop(stream);
            });
        }),
        ("closing", drop),
    ];
    check_rows(rows, |(name, treat)| {
        listen(treat);
        assert_eq!(codes(&host), [ASKED, NO_ENGINE], "{name}: {}", host.log());
    });
}

#[test]
#[ignore = "needs root"]
fn what_the_service_answers_is_final() {
    sandboxed!();
    let host = Host::new().installed();
    let rows: [(&str, Treat); 2] = [
        ("nonsense", |mut stream| {
            let _ = stream.write_all(b"\0\0\0\x05hello");
        }),
        ("a version of the future", |mut stream| {
            let _ = stream.write_all(b"\0\0\0\x0bready\0v=99\0");
        }),
    ];
    check_rows(rows, |(name, treat)| {
        listen(treat);
        assert_eq!(codes(&host), [NO_ENGINE; 2], "{name}: {}", host.log());
    });
}

#[test]
#[ignore = "needs root"]
fn a_socket_that_others_could_have_made_is_refused_for_everybody() {
    sandboxed!();
    let host = Host::new().installed();
    let rows: [(&str, fn()); 4] = [
        ("another user's", || {
            chown(socket(), Some(12345), None).unwrap()
        }),
        ("a folder of another user", || {
            chown(FOLDER, Some(12345), None).unwrap();
        }),
        ("a folder that others write", || {
            fs::set_permissions(FOLDER, fs::Permissions::from_mode(0o777)).unwrap();
        }),
        ("behind a link", || {
            fs::rename(socket(), "/run/elsewhere").unwrap();
            symlink("/run/elsewhere", socket()).unwrap();
        }),
    ];
    check_rows(rows, |(name, prepare)| {
        listen(|mut stream| {
            let _ = stream.write_all(b"\0\0\0\x0aready\0v=1\0");
        });
        prepare();
        assert_eq!(codes(&host), [NO_ENGINE; 2], "{name}: {}", host.log());
    });
}
