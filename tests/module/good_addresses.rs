//! Logins while the name of the service cannot be looked up: the last good addresses are tried.

use std::fs;
use std::path::PathBuf;

use crate::common::host::Host;
use crate::common::sandbox::sandboxed;

const OUTAGE: &str = "PAM_AUTHINFO_UNAVAIL";

/// A host whose service has a name, which /etc/hosts alone knows.
fn host() -> Host {
    let host = Host::impatient("[login]\nrefusal_seconds = 0\n");
    host.replace("//127.0.0.1:", "//localhost:");
    fs::write(
        "/etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files\n",
    )
    .unwrap();
    know_name(true);
    host
}

fn know_name(is_known: bool) {
    let name = if is_known {
        "127.0.0.1 localhost\n"
    } else {
        ""
    };
    fs::write("/etc/hosts", name).unwrap();
}

fn code(host: &Host) -> &'static str {
    host.login("alice", &[&host.sim.token(1635)]).code
}

#[test]
#[ignore = "needs root"]
fn a_login_uses_the_last_good_address_when_the_name_is_not_found() {
    sandboxed!();
    let host = host();
    know_name(false);
    assert_eq!(code(&host), OUTAGE, "nothing is known yet: {}", host.log());
    know_name(true);
    assert_eq!(code(&host), "PAM_SUCCESS", "{}", host.log());
    know_name(false);
    assert_eq!(code(&host), "PAM_SUCCESS", "{}", host.log());
    assert_eq!(stored(&host).len(), 1);
}

/// The files of good addresses, without those of locks.
fn stored(host: &Host) -> Vec<PathBuf> {
    let folder = fs::read_dir(host.sim.path("state/addresses")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let is_hex = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    files.filter(is_hex).collect()
}

#[test]
#[ignore = "needs root"]
fn an_address_at_which_another_server_answers_is_not_used_and_the_outage_stays_one() {
    sandboxed!();
    let host = host();
    let other = crate::common::sim::Sim::start();
    // The same name and port, but certificates of another authority.
    assert_eq!(code(&host), "PAM_SUCCESS", "{}", host.log());
    let file = stored(&host).remove(0);
    let port = |url: &str| {
        url.rsplit(':')
            .next()
            .unwrap()
            .trim_end_matches('/')
            .to_owned()
    };
    let (own, others) = (port(&host.sim.url()), port(&other.url()));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(&own), "{text}");
    fs::write(&file, text.replace(&own, &others)).unwrap();
    host.replace(&format!("localhost:{own}"), &format!("localhost:{others}"));
    know_name(false);
    assert_eq!(code(&host), OUTAGE, "{}", host.log());
    assert_eq!(other.count("/verify/"), 0);
}
