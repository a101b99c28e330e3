//! What the service believes of an SSH connection, and to whom it offers an app: root's own process
//! in a service of sshd, and no other.

use std::fs;
use std::path::Path;

use pam_authy::base::attempt::Verdict;
use pam_authy::base::secret::Secret;
use pam_authy::protocol::{FromEngine, FromModule};

use super::peers::start;
use super::{Client, SU};
use crate::common::child::{as_child, child, ends_well};
use crate::common::host::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::service::Service;
use crate::common::test_name;

/// A security key, and its fingerprint.
const KEY: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7AAAABHNzaDo=";
const PRINT: &str = "SHA256:dacTzS7N/iiGkNsOsOnxTwiTJrjpIuc5E+vWUkd3q/8";

/// A host on which alice has the key, and logins from one network need no factor.
fn host() -> Host {
    let host = Host::with(
        "[login]\nfactors = [\"token\", \"security-key\"]\nssh_services = [\"sshd\", \"gate\"]\n\
         [exempt]\nnetworks = [\"10.0.0.0/8\"]\n",
    );
    let entry = format!("{{ authy_id = 1635, security_keys = [\"{PRINT}\"] }}");
    host.set_line(&host.users, "alice", &entry);
    host
}

/// Begins a login that claims the key, or the address; returns how it is answered.
fn answer(begun: FromModule, service: &str, says_key: bool) -> String {
    let FromModule::Start(mut start) = begun else {
        panic!("no start");
    };
    start.attempt.service = service.to_owned();
    if says_key {
        start.attempt.ssh_auth = Some(format!("publickey {KEY}\n"));
    } else {
        start.ssh_connection = Some("10.0.0.1 1 10.0.0.2 22".to_owned());
    }
    let mut client = Client::connect().unwrap();
    client.send(&FromModule::Start(start));
    loop {
        match client.receive() {
            Some(FromEngine::Deadline { .. }) => {}
            Some(FromEngine::Ask(_)) => return "asked".to_owned(),
            Some(FromEngine::Verdict { verdict, .. }) => return verdict.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
#[ignore = "needs root"]
fn only_a_service_of_sshd_is_believed_about_keys_and_addresses() {
    sandboxed!();
    let host = host();
    let _service = Service::start();
    let (key, address) = (Verdict::Accepted.as_str(), Verdict::Ignored.as_str());
    let rows = [
        ("sshd", key, address),
        ("gate", key, address),
        ("sudo", "asked", "asked"),
        ("su", "asked", "asked"),
        ("login", "asked", "asked"),
        ("sshd2", "asked", "asked"),
    ];
    check_rows(rows, |(service, by_key, by_address)| {
        let answers = [true, false].map(|says_key| answer(start(&host, 0, 0), service, says_key));
        assert_eq!(answers, [by_key, by_address]);
    });
}

/// A program of a user that has become root's, such as sudo, may call itself sshd.
#[test]
#[ignore = "needs root"]
fn the_caller_of_a_setuid_program_is_not_believed_whatever_it_calls_itself() {
    if let Some(folder) = as_child() {
        let text = fs::read_to_string(folder.join("start")).unwrap();
        let mut begun = text.lines().map(str::to_owned);
        let (config, users) = (begun.next().unwrap(), begun.next().unwrap());
        let uid = nix::unistd::getuid().as_raw();
        assert_ne!(uid, 0);
        let begun = || super::peers::start_of(Path::new(&config), Path::new(&users), uid, 0);
        let answers = [true, false].map(|says_key| answer(begun(), "sshd", says_key));
        assert_eq!(answers, ["asked", "asked"]);
        return;
    }
    sandboxed!();
    let host = host();
    let _service = Service::start();
    let folder = tempfile::tempdir().unwrap();
    let files = format!("{}\n{}\n", host.config.display(), host.users.display());
    fs::write(folder.path().join("start"), files).unwrap();
    let wrapper = format!("exec {} -- \"$0\" \"$@\"", SU.join(" "));
    ends_well(child(&wrapper, test_name!(), folder.path()));
}

/// Answers a login that says it is sshd's with a right code; returns how it goes on.
fn after_code(begun: FromModule, code: &str) -> &'static str {
    let FromModule::Start(mut start) = begun else {
        panic!("no start");
    };
    start.attempt.tty = Some("ssh".to_owned());
    let mut client = Client::connect().unwrap();
    client.send(&FromModule::Start(start));
    let mut code = Some(code);
    loop {
        match client.receive() {
            Some(FromEngine::Deadline { .. }) => {}
            Some(FromEngine::Ask(_)) => {
                let Some(code) = code.take() else {
                    return "asked";
                };
                client.send(&FromModule::Reply {
                    text: Some(Secret::new(code.to_owned())),
                    user: Some("alice".to_owned()),
                });
            }
            Some(FromEngine::Verdict { verdict, .. }) => return verdict.as_str(),
            other => panic!("{other:?}"),
        }
    }
}

/// An app would be the caller's for each later login of the person.
#[test]
#[ignore = "needs root"]
fn the_caller_of_a_setuid_program_that_calls_itself_sshd_is_offered_no_app() {
    if let Some(folder) = as_child() {
        let text = fs::read_to_string(folder.join("start")).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let [config, users, code] = lines[..] else {
            panic!("{text}");
        };
        let uid = nix::unistd::getuid().as_raw();
        assert_ne!(uid, 0);
        let begun = super::peers::start_of(Path::new(config), Path::new(users), uid, 0);
        assert_eq!(after_code(begun, code), Verdict::Accepted.as_str());
        return;
    }
    sandboxed!();
    let host = Host::with("[login]\nattempts = 1\nenroll_totp = \"offer\"\n");
    let _service = Service::start();
    let code = || host.sim.token(1635);
    assert_eq!(after_code(start(&host, 0, 0), &code()), "asked");
    let folder = tempfile::tempdir().unwrap();
    let (config, users) = (host.config.display(), host.users.display());
    fs::write(
        folder.path().join("start"),
        format!("{config}\n{users}\n{}\n", code()),
    )
    .unwrap();
    let wrapper = format!("exec {} -- \"$0\" \"$@\"", SU.join(" "));
    ends_well(child(&wrapper, test_name!(), folder.path()));
}
