//! The servers of a directory: how they are reached, and which of them is believed.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::host::{ATTRIBUTES, SyncHost, names};
use super::proxy;
use super::slapd::{PASSWORD, READER, Slapd, certificates, free_port, people};
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::service::unit::{unit, wrapper};

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_thousand_people_are_read_by_ldaps_by_starttls_and_over_a_socket() {
    let slapd = Slapd::with(&people(1000));
    let hosts = [
        ("ldaps", SyncHost::of(&slapd, &slapd.ldaps())),
        ("StartTLS", SyncHost::of(&slapd, &slapd.starttls())),
        (
            "a socket and a password",
            SyncHost::of(&slapd, &slapd.ldapi()),
        ),
        ("a socket and EXTERNAL", SyncHost::external(&slapd.ldapi())),
    ];
    check_rows(hosts, |(_, host)| {
        let object = host.synced();
        assert_eq!(object["people"], 1000);
        assert_eq!(names(&object, "added").len(), 1000);
        assert_eq!(object["written"], true);
        assert_eq!(host.row("users", "u999").unwrap(), "{ authy_id = 10999 }");
        let object = host.synced();
        assert_eq!(object["written"], false, "the second pass writes nothing");
        assert!(names(&object, "added").is_empty());
    });
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let slapd = Slapd::with(&people(2));
    let host = SyncHost::of(&slapd, &slapd.ldaps());
    let (status, object) = host.sync(&["--dry-run"]);
    assert_eq!(status, 0, "{object}");
    assert_eq!(names(&object, "added"), ["u0", "u1"]);
    assert_eq!(
        (&object["dry_run"], &object["written"]),
        (&true.into(), &false.into())
    );
    assert_eq!(fs::read_dir(host.state()).unwrap().count(), 0);
    let said = String::from_utf8(host.run(&["sync", "--dry-run"]).stdout).unwrap();
    let expected = format!(
        "added: u0\nadded: u1\n2 people from {}: nothing was written (dry run)\n",
        slapd.ldaps()
    );
    assert_eq!(said, expected);
}

/// `ldap3` would believe the certificates of the system, or those of SSL_CERT_FILE.
#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn only_a_server_that_our_own_ca_vouches_for_is_believed() {
    let slapd = Slapd::with(&people(2));
    let other = tempfile::tempdir().unwrap();
    certificates(other.path());
    for url in [slapd.ldaps(), slapd.starttls()] {
        let host = SyncHost::of(&slapd, &url);
        let trusted = fs::read(host.path("ca.pem")).unwrap();
        fs::copy(other.path().join("ca.pem"), host.path("ca.pem")).unwrap();
        host.fails(3, "invalid peer certificate: UnknownIssuer");
        // An attacker's environment makes no difference.
        let mut command = host.command(&["sync"]);
        command.env("SSL_CERT_FILE", slapd.path("ca.pem"));
        command.env("SSL_CERT_DIR", slapd.path(""));
        assert_eq!(command.status().unwrap().code(), Some(3));
        fs::write(host.path("ca.pem"), trusted).unwrap();
        let mut command = host.command(&["sync", "--quiet"]);
        command.env("SSL_CERT_FILE", other.path().join("ca.pem"));
        assert_eq!(command.status().unwrap().code(), Some(0));
    }
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_server_with_the_certificate_of_another_name_is_not_believed() {
    let slapd = Slapd::with(&people(2));
    let (port, tls_port) = slapd.ports();
    for url in [
        format!("ldaps://localhost:{tls_port}"),
        format!("ldap://localhost:{port}"),
    ] {
        SyncHost::of(&slapd, &url).fails(3, "not valid for name");
    }
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_refused_bind_ends_the_sync_and_asks_no_other_server() {
    let slapd = Slapd::with(&people(2));
    let url = format!("[\"{}\", \"{}\"]", slapd.ldaps(), slapd.starttls());
    let host = SyncHost::with(&slapd, &format!("url = {url}\n"), ATTRIBUTES);
    host.synced();
    host.write("password", "wrong\n", 0o600);
    host.fails(
        1,
        &format!(
            "{}: the bind is refused: name or password is wrong",
            slapd.ldaps()
        ),
    );
    host.write("password", PASSWORD, 0o600);
    host.synced();
    host.write("password", &format!("{PASSWORD}\r\n"), 0o600);
    host.synced();
    host.write("password", &format!("{PASSWORD}\n\n"), 0o600);
    host.fails(1, "the bind is refused");
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn a_configuration_that_cannot_be_used_is_status_4_and_reaches_no_server() {
    let slapd = Slapd::with(&people(2));
    let host = SyncHost::of(&slapd, &slapd.ldaps());
    // A bind with an empty password would succeed, and be anonymous.
    for empty in ["", "\n", "\r\n"] {
        host.write("password", empty, 0o600);
        host.fails(4, "password: is empty");
    }
    host.write("password", PASSWORD, 0o640);
    host.fails(4, "group or others have access");
    fs::remove_file(host.path("password")).unwrap();
    host.fails(4, "password: No such file");
    host.write("password", PASSWORD, 0o600);
    host.write("ca.pem", "no certificate\n", 0o600);
    host.fails(4, "contains no CA certificate");
    host.write("ca.pem", "", 0o666);
    host.fails(4, "can be written by others");
    host.replace("[directory]", "[directory.x]");
    host.fails(4, "config.toml");
    host.write("config.toml", "[login]\n", 0o600);
    host.fails(4, "the table [directory] is missing");
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn the_next_server_is_asked_where_one_is_down_silent_false_or_lost_in_the_middle() {
    let slapd = Slapd::with(&people(1000));
    let (port, tls_port) = slapd.ports();
    let (no_ldap, _) = proxy::answering(b"SSH-2.0-OpenSSH_9.2\r\n");
    let bad = [
        (
            format!("ldaps://127.0.0.1:{}", free_port()),
            "Connection refused",
        ),
        (
            format!("ldap://127.0.0.1:{}", proxy::silent()),
            "no answer within 2 s",
        ),
        (
            format!("ldaps://127.0.0.1:{}", proxy::silent()),
            "no answer within 2 s",
        ),
        (
            format!("ldaps://127.0.0.1:{}", proxy::cutting(tls_port, 40_000)),
            "was lost",
        ),
        (
            format!("ldap://127.0.0.1:{}", proxy::cutting(port, 5)),
            "StartTLS: the connection was lost",
        ),
        (format!("ldap://127.0.0.1:{no_ldap}"), "not one of LDAP"),
        (format!("ldaps://127.0.0.1:{no_ldap}"), ""),
        ("ldaps://host.invalid".to_owned(), ""),
        (
            format!("ldaps://localhost:{tls_port}"),
            "not valid for name",
        ),
        ("ldapi:///nowhere/socket".to_owned(), "No such file"),
    ];
    check_rows(bad, |(url, why)| {
        let list = format!("url = [\"{url}\", \"{}\"]\n", slapd.ldaps());
        let host = SyncHost::with(&slapd, &list, ATTRIBUTES);
        let host = if why.contains("2 s") {
            host.impatient()
        } else {
            host
        };
        let object = host.synced();
        assert_eq!(object["people"], 1000);
        let skipped = object["not_used"][0].as_str().unwrap();
        assert!(skipped.contains(why), "{skipped}");
        let alone = SyncHost::of(&slapd, &url).impatient();
        alone.fails(3, why);
    });
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn nothing_but_the_wish_for_tls_is_sent_in_the_clear() {
    const REFUSED: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
    const GRANTED: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
    // What an attacker in between adds in the clear must not count as said under TLS.
    const MORE: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00\
                          \x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
    let slapd = Slapd::with("");
    let rows: [(&[u8], &str, bool); 5] = [
        (REFUSED, "StartTLS is refused (result code 52)", false),
        (GRANTED, "no answer within 2 s", true),
        // rustls takes the second message for a broken record.
        (MORE, "", true),
        (b"", "StartTLS: no answer within 2 s", false),
        (
            b"\x30\x84\x7f\xff\xff\xff",
            "StartTLS: no answer within 2 s",
            false,
        ),
    ];
    for (answer, why, is_granted) in rows {
        let (port, heard) = proxy::answering(answer);
        let host = SyncHost::of(&slapd, &format!("ldap://127.0.0.1:{port}")).impatient();
        host.fails(3, why);
        let heard = heard.lock().unwrap();
        let wish = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
        assert!(heard.starts_with(wish), "{heard:?}");
        // After it comes a ClientHello, or nothing.
        let next = is_granted.then_some(&0x16);
        assert_eq!(heard.get(wish.len()), next, "{heard:?}");
        let has = |text: &str| {
            heard
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(!has(PASSWORD) && !has(READER), "{heard:?}");
    }
}

#[test]
#[ignore = "needs slapd: scripts/peers.sh slapd"]
fn two_syncs_do_not_run_at_once_and_a_silent_server_ends_one_in_time() {
    let slapd = Slapd::with(&people(2));
    let host = SyncHost::of(&slapd, &format!("ldaps://127.0.0.1:{}", proxy::silent())).impatient();
    let begun = Instant::now();
    let mut first = host.command(&["sync", "--quiet"]).spawn().unwrap();
    while !host.state().join("sync-lock").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    host.fails(4, "another sync is under way");
    assert_eq!(first.wait().unwrap().code(), Some(3));
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
#[ignore = "needs root"]
fn a_sync_works_under_the_settings_of_its_unit() {
    sandboxed!();
    let slapd = Slapd::with(&people(2));
    for url in [slapd.ldaps(), slapd.starttls(), slapd.ldapi()] {
        let host = SyncHost::of(&slapd, &url);
        let wrapper = wrapper(&unit("pam_authy-sync.service"), &host.state());
        let mut sync = Command::new(&wrapper[0]);
        sync.args(&wrapper[1..]).arg(env!("CARGO_BIN_EXE_authyctl"));
        sync.arg("--config").arg(host.path("config.toml"));
        sync.arg("--users").arg(host.path("users.toml"));
        let output = sync.arg("sync").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{url}: {said}");
        assert_eq!(host.row("users", "u1").unwrap(), "{ authy_id = 10001 }");
    }
}
