//! What is on the disk before a program answers, by the order of its system calls: write, fsync,
//! rename, fsync of the folder, and only then the answer. No test that cuts the power is needed to
//! see that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pam_authy::store::state::file_name;
use pam_authy::store::totp::Authenticator;

use serde_json::json;

use crate::authyctl::run_json;
use crate::common::application;
use crate::common::host::Host;
use crate::common::sim::Sim;
use crate::common::totp::{SECRET, oathtool};
use crate::common::trace::{self, Call};

const WRITE: [&str; 4] = ["write", "pwrite64", "writev", "ftruncate"];
const SYNC: [&str; 2] = ["fsync", "fdatasync"];
const RENAME: [&str; 3] = ["rename", "renameat", "renameat2"];

/// The one call that `wanted` fits.
fn only<'a>(calls: &'a [Call], what: &str, wanted: impl Fn(&Call) -> bool) -> &'a Call {
    let found: Vec<_> = calls.iter().filter(|call| wanted(call)).collect();
    assert_eq!(found.len(), 1, "{what}: {found:#?} of {calls:#?}");
    found[0]
}

/// The first call that `wanted` fits.
fn first<'a>(calls: &'a [Call], what: &str, wanted: impl Fn(&Call) -> bool) -> &'a Call {
    let found = calls.iter().find(|call| wanted(call));
    found.unwrap_or_else(|| panic!("no {what} in {calls:#?}"))
}

/// The rename that puts a new file in the place of `path`, written whole before it.
fn replacement<'a>(calls: &'a [Call], path: &Path) -> (&'a Call, PathBuf) {
    let is_it = |call: &Call| call.is(&RENAME) && call.paths().last().is_some_and(|to| to == path);
    let rename = only(calls, "rename to the file", is_it);
    let new = rename.paths().remove(0);
    assert_eq!(new.parent(), path.parent(), "not beside the file");
    let writes = |to: &Path| {
        let of = |call: &&Call| call.is(&WRITE) && call.file() == Some(to);
        calls.iter().filter(of).collect::<Vec<_>>()
    };
    assert!(!writes(&new).is_empty(), "nothing was written to {new:?}");
    for write in writes(&new) {
        assert!(
            write.is_before(rename),
            "{write:?} is not before {rename:?}"
        );
    }
    assert!(writes(path).is_empty(), "{path:?} was written in place");
    (rename, new)
}

fn is_sync_of(call: &Call, path: &Path) -> bool {
    call.is(&SYNC) && call.file() == Some(path)
}

/// Asserts that `change` to a name in the folder of `path` is on the disk before the answer.
fn assert_folder_is_synced(calls: &[Call], change: &Call, path: &Path, answer: &Call) {
    let folder = path.parent().unwrap();
    let is_synced =
        |call: &Call| is_sync_of(call, folder) && change.is_before(call) && call.is_before(answer);
    assert!(
        calls.iter().any(is_synced),
        "no fsync of {folder:?} between {change:?} and {answer:?} in {calls:#?}"
    );
}

/// Asserts that the new content of `path` is on the disk before the answer.
fn assert_replaced_durably(calls: &[Call], path: &Path, answer: &Call) {
    let (rename, new) = replacement(calls, path);
    let writes = |call: &&Call| call.is(&WRITE) && call.file() == Some(&new);
    let last = calls.iter().rfind(writes).unwrap();
    let is_synced =
        |call: &Call| is_sync_of(call, &new) && last.is_before(call) && call.is_before(rename);
    assert!(
        calls.iter().any(is_synced),
        "no fsync of {new:?} between {last:?} and {rename:?} in {calls:#?}"
    );
    assert_folder_is_synced(calls, rename, path, answer);
}

/// Runs authyctl with these arguments and returns its calls; it must succeed.
fn authyctl(sim: &Sim, arguments: &[&str]) -> Vec<Call> {
    let log = sim.path("strace.log");
    let mut command = trace::command(&log);
    command.arg(env!("CARGO_BIN_EXE_authyctl"));
    command.arg("--config").arg(sim.path("config.toml"));
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().expect("strace");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    trace::read(&log)
}

/// What authyctl says first on its standard output.
fn answer(calls: &[Call]) -> &Call {
    first(calls, "answer", |call| call.is(&["write"]) && call.is_on(1))
}

/// Logs alice in with these replies, and returns the calls of the whole process.
fn login(host: &Host, replies: &[&str]) -> (Vec<i32>, Vec<Call>) {
    let log = host.sim.path("strace.log");
    let wrapper = trace::strace(&log);
    let wrapper: Vec<_> = wrapper.iter().map(String::as_str).collect();
    let said = application::run(application::command(host, "alice", &wrapper, &[]), replies);
    (said.codes(), trace::read(&log))
}

#[test]
#[ignore = "needs strace"]
fn a_change_of_the_mapping_is_on_the_disk_before_authyctl_answers() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let path = users.to_str().unwrap();
    for arguments in [
        // The file is made, changed and changed again.
        &["enroll", "alice", "--authy-id", "1635"][..],
        &["enroll", "bob", "--authy-id", "1636"],
        &["enroll", "alice", "--authy-id", "1637", "--replace"],
        &["unenroll", "alice"],
    ] {
        let calls = authyctl(&sim, &[&["--users", path], arguments].concat());
        assert_replaced_durably(&calls, &users, answer(&calls));
    }
}

#[test]
#[ignore = "needs strace"]
fn new_recovery_codes_and_their_folders_are_on_the_disk_before_they_are_shown() {
    let sim = Sim::start();
    let state = sim.path("state");
    let file = state.join("recovery").join(file_name("alice"));
    fs::remove_dir(&state).unwrap();
    let calls = authyctl(&sim, &["recovery", "generate", "alice"]);
    assert_replaced_durably(&calls, &file, answer(&calls));
    for folder in [&state, &state.join("recovery")] {
        let is_made = |call: &Call| call.is(&["mkdir", "mkdirat"]) && call.paths().contains(folder);
        let made = only(&calls, "making of a folder", is_made);
        assert_folder_is_synced(&calls, made, folder, answer(&calls));
    }
    let calls = authyctl(&sim, &["recovery", "generate", "alice", "--replace"]);
    assert_replaced_durably(&calls, &file, answer(&calls));

    let calls = authyctl(&sim, &["recovery", "remove", "alice"]);
    let is_removed = |call: &Call| call.is(&["unlink", "unlinkat"]) && call.paths().contains(&file);
    let removed = only(&calls, "removal of the file", is_removed);
    assert_folder_is_synced(&calls, removed, &file, answer(&calls));
}

/// The mapping of a file as shared memory.
fn is_mapping(call: &Call, path: &Path) -> bool {
    call.is(&["mmap"]) && call.has("MAP_SHARED") && call.has(&format!("<{}>", path.display()))
}

/// A code that works once must not work again after a power cut.
#[test]
#[ignore = "needs strace"]
fn a_redeemed_recovery_code_is_used_up_on_the_disk_before_the_login_succeeds() {
    let host = Host::new();
    let (_, made) = run_json(&host.sim, &["recovery", "generate", "alice"], "");
    let code = made["codes"][0].as_str().unwrap();
    let used = host.sim.path("state/recovery-used");
    let file = fs::read_dir(used).unwrap().next().unwrap().unwrap().path();

    let (codes, calls) = login(&host, &[code]);

    assert_eq!(codes, [0]);
    let mapping = only(&calls, "mapping", |call| is_mapping(call, &file));
    let sync = only(&calls, "sync", |call| is_sync_of(call, &file));
    assert!(mapping.is_before(sync), "{mapping:?} {sync:?}");
    let answer = only(&calls, "PAM's code", |call| call.has("\"code 0\\n\""));
    let audit = only(&calls, "audit line", |call| call.has(": verdict=accepted"));
    assert!(sync.is_before(answer) && sync.is_before(audit), "{sync:?}");
    let (_, left) = run_json(&host.sim, &["recovery", "left", "alice"], "");
    assert_eq!(left["left"], 9);
}

/// A code of an app is accepted once, also after a power cut.
#[test]
#[ignore = "needs strace"]
fn the_step_of_a_code_is_on_the_disk_before_the_login_succeeds() {
    let host = Host::new();
    host.append(&host.users, "alice = { totp = true }\n");
    let text = fs::read_to_string(&host.users).unwrap();
    fs::write(&host.users, text.replace("alice = 1635\n", "")).unwrap();
    let secrets = host.users.with_file_name("totp.toml");
    fs::write(
        &secrets,
        format!("[totp]\nalice = {{ secret = \"{SECRET}\" }}\n"),
    )
    .unwrap();
    host.chmod(&secrets, 0o600);
    let app = Authenticator::from_base32(SECRET).unwrap();
    let file = host.sim.path("state/totp").join(app.id().to_string());

    let (codes, calls) = login(&host, &[&oathtool(SECRET, 0)]);

    assert_eq!(codes, [0]);
    let mapping = only(&calls, "mapping", |call| is_mapping(call, &file));
    let sync = only(&calls, "sync", |call| is_sync_of(call, &file));
    assert!(mapping.is_before(sync), "{mapping:?} {sync:?}");
    let answer = only(&calls, "PAM's code", |call| call.has("\"code 0\\n\""));
    let audit = only(&calls, "audit line", |call| call.has(": verdict=accepted"));
    assert!(sync.is_before(answer) && sync.is_before(audit), "{sync:?}");
    // The name of the new file too.
    assert_folder_is_synced(&calls, creation(&calls, &file), &file, answer);
}

#[test]
#[ignore = "needs strace"]
fn a_code_that_twilio_accepted_is_used_up_on_the_disk_before_the_login_succeeds() {
    let host = Host::with_twilio("[login]\nrefusal_seconds = 0\n");
    let sid = format!("YF{}", "0a".repeat(16));
    let app = json!({"identity": "ff483d1f-f591", "secret": SECRET, "sid": sid});
    host.sim.post("/phone/twilio/factors", &app);
    let entry = format!("{{ twilio_identity = \"ff483d1f-f591\", twilio_factor = \"{sid}\" }}");
    host.set_line(&host.users, "alice", &entry);
    let file = host.sim.path("state/twilio-used").join(file_name(&sid));

    let (codes, calls) = login(&host, &[&oathtool(SECRET, 0)]);

    assert_eq!(codes, [0]);
    let mapping = only(&calls, "mapping", |call| is_mapping(call, &file));
    let sync = only(&calls, "sync", |call| is_sync_of(call, &file));
    assert!(mapping.is_before(sync), "{mapping:?} {sync:?}");
    let answer = only(&calls, "PAM's code", |call| call.has("\"code 0\\n\""));
    let audit = only(&calls, "audit line", |call| call.has(": verdict=accepted"));
    assert!(sync.is_before(answer) && sync.is_before(audit), "{sync:?}");
    assert_folder_is_synced(&calls, creation(&calls, &file), &file, answer);
    // The challenge is counted before the first byte of the request leaves.
    let counts = host.sim.path("state/limits/factors");
    let counts = counts.join(file_name(&format!("twilio_factor={sid}")));
    let counted = first(&calls, "counts", |call| is_mapping(call, &counts));
    assert!(counted.is_before(sync), "{counted:?}");
}

/// The opening of a new file.
fn creation<'a>(calls: &'a [Call], path: &Path) -> &'a Call {
    let is_made = |call: &Call| {
        call.is(&["openat"]) && call.has("O_CREAT") && call.paths().iter().any(|made| made == path)
    };
    first(calls, "creation", is_made)
}

#[test]
#[ignore = "needs strace"]
fn a_new_secret_is_on_the_disk_before_its_entry_and_both_before_authyctl_answers() {
    let sim = Sim::start();
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.toml");
    let path = users.to_str().unwrap();
    let enroll = [
        "--users",
        path,
        "enroll",
        "alice",
        "--totp",
        "--no-check",
        "--json",
    ];
    let calls = authyctl(&sim, &enroll);
    let secrets = folder.path().join("totp.toml");
    let answer = answer(&calls);
    assert_replaced_durably(&calls, &secrets, answer);
    assert_replaced_durably(&calls, &users, answer);
    let (secret, _) = replacement(&calls, &secrets);
    let (entry, _) = replacement(&calls, &users);
    assert!(secret.is_before(entry), "{secret:?} {entry:?}");
}

/// A count survives the death of its process, not that of the machine: it is in the file, though
/// perhaps not on the disk, before the first byte of the request leaves. The change itself is no
/// system call; tests/limits.rs shows that it is there.
#[test]
#[ignore = "needs strace"]
fn the_files_of_counts_are_mapped_before_the_request_leaves() {
    let rows: [(&str, &[&str], &[&str]); 2] = [
        ("", &["0000000"], &["users", "factors"]),
        ("sms = \"auto\"\n", &[], &["users", "addresses", "host"]),
    ];
    for (rules, replies, counted) in rows {
        let host = Host::with(&format!(
            "[login]\nrefusal_seconds = 0\nattempts = 1\n{rules}"
        ));
        // A preconnect would open the connection before the reply.
        host.replace("[authy]\n", "[authy]\nwarm_up = false\n");
        let (_, calls) = login(&host, replies);
        let is_request = |call: &Call| call.is(&["connect"]) && call.has("sa_family=AF_INET");
        let request = first(&calls, "request", is_request);
        let limits = host.sim.path("state/limits");
        for kind in counted {
            let uid = format!("uid:{}", nix::unistd::getuid());
            let file = match *kind {
                "users" => limits.join(kind).join(file_name("alice")),
                "factors" => limits.join(kind).join(file_name("authy_id=1635")),
                "addresses" => limits.join(kind).join(&file_name(&uid)[..2]),
                _ => limits.join(kind),
            };
            let mapping = first(&calls, "mapping", |call| is_mapping(call, &file));
            assert!(mapping.is_before(request), "{mapping:?} {request:?}");
        }
    }
}
