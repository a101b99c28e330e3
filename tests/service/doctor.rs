//! What `authyctl doctor` says of the service.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::{Treat, listen, new_folder, socket};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::{FOLDER, Service};
use crate::common::sim::Sim;
use crate::module::doctor::{checks, said};

/// The lines about the service, without the one about the engine's file.
fn engine(sim: &Sim) -> String {
    let said = said(&checks(sim, &[]), "engine");
    let lines = said.lines().filter(|line| !line.contains("/pam_authyd"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
#[ignore = "needs root"]
fn doctor_names_the_version_of_a_service_that_answers() {
    sandboxed!();
    let sim = Sim::start();
    let none = "\"ok\": \"pam_authyd does not listen: each login starts an engine of its own\"\n";
    assert_eq!(engine(&sim), none);
    let _service = Service::start();
    let start = format!(
        "\"ok\": \"pam_authyd listens: version {}, since ",
        env!("CARGO_PKG_VERSION")
    );
    let said = engine(&sim);
    assert!(
        said.starts_with(&start) && said.lines().count() == 1,
        "{said}"
    );

    fs::set_permissions(socket(), fs::Permissions::from_mode(0o666)).unwrap();
    let said = engine(&sim);
    assert!(
        said.contains("has the mode 0666: only root is to connect"),
        "{said}"
    );
}

#[test]
#[ignore = "needs root"]
fn doctor_calls_a_service_that_does_not_answer_a_problem() {
    sandboxed!();
    let sim = Sim::start();
    let rows: [(&str, Option<Treat>, &str); 5] = [
        ("no socket", None, "/socket: No such file"),
        ("closing", Some(drop), "the other end is closed"),
        (
            "silent",
            Some(|stream| {
                thread::spawn(move || {
                    thread::sleep(Duration::from_secs(60));
                    drop(stream);
                });
            }),
            "no message in time",
        ),
        (
            "the future",
            Some(|stream| greet(stream, "99")),
            "another version of the protocol",
        ),
        (
            "no status",
            Some(|stream| greet(stream, "1")),
            "the other end is closed",
        ),
    ];
    check_rows(rows, |(_, treat, expected)| {
        match treat {
            Some(treat) => listen(treat),
            None => new_folder(),
        }
        let said = engine(&sim);
        assert!(
            said.starts_with("\"problem\": ") && said.contains(expected),
            "{said}"
        );
    });
    new_folder();
    drop(UnixListener::bind(socket()).unwrap());
    let said = engine(&sim);
    assert!(said.contains("Connection refused"), "{said}");
}

/// Says that an engine is ready that speaks this version.
fn greet(mut stream: UnixStream, version: &str) {
    let message = format!("ready\0v={version}\0");
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let _ = stream.write_all(&[&length, message.as_bytes()].concat());
}

#[test]
#[ignore = "needs root"]
fn doctor_warns_where_lockers_are_allowed_and_have_no_socket_and_the_other_way_round() {
    sandboxed!();
    let sim = Sim::start();
    let _service = Service::start();
    let user = Path::new(FOLDER).join("user");
    let plain = fs::read_to_string(sim.path("config.toml")).unwrap();
    let allowed = format!("{plain}\n[lockers]\nallow = true\n");
    let rows = [
        (&plain, false, ""),
        (&plain, true, "/user exists, and lockers.allow is not true"),
        (
            &allowed,
            false,
            "lockers.allow is true, and /run/pam_authy/user does not exist",
        ),
        (&allowed, true, ""),
    ];
    check_rows(rows, |(config, exists, expected)| {
        fs::write(sim.path("config.toml"), config).unwrap();
        let _ = fs::remove_file(&user);
        if exists {
            drop(UnixListener::bind(&user).unwrap());
        }
        let said = engine(&sim);
        assert_eq!(
            said.contains("lockers.allow"),
            !expected.is_empty(),
            "{said}"
        );
        assert!(said.contains(expected), "{said}");
    });
}
