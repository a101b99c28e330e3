//! The command `check`: files that are not in place yet.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::rows::check_rows;
use crate::common::totp::SECRET;

const CONFIG: &str = "[authy]\nkey_file = \"/etc/pam_authy/not-here\"\n";
const USERS: &str = "[users]\nalice = 1635\n";

/// Checks files with this content; `None` leaves one out. Returns exit status and answer.
fn check(config: Option<&str>, users: Option<&str>) -> (i32, Value) {
    check_with(config, users, None)
}

/// The same with a totp.toml beside the mapping.
fn check_with(config: Option<&str>, users: Option<&str>, secrets: Option<&str>) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_authyctl"));
    command.args(["check", "--json"]);
    for (option, content) in [("--config", config), ("--users", users)] {
        if let Some(content) = content {
            let path = folder.path().join(option.trim_start_matches('-'));
            fs::write(&path, content).unwrap();
            // Neither owner nor mode matters before the file is in place.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
            command.arg(option).arg(path);
        }
    }
    if let Some(secrets) = secrets {
        fs::write(folder.path().join("totp.toml"), secrets).unwrap();
    }
    let output = command.output().unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), answer)
}

#[test]
fn valid_files_of_any_owner_and_mode_pass_without_their_keys() {
    let table = [
        (Some(CONFIG), Some(USERS), 2),
        (Some(CONFIG), None, 1),
        (None, Some(USERS), 1),
    ];
    check_rows(table, |(config, users, count)| {
        let is_installed = Path::new("/etc/pam_authy").exists();
        let (status, answer) = check(config, users);
        assert_eq!(status, 0, "{answer}");
        let files = answer["files"].as_array().unwrap();
        assert!(is_installed || files.len() == count, "{answer}");
        assert!(files.iter().all(|file| file["valid"] == true), "{answer}");
    });
}

#[test]
fn each_mistake_is_named_with_file_and_line() {
    let key = "[authy]\nkey = \"k\"\n";
    let table = [
        (
            format!("{key}[login]\nattempts = 99\n"),
            USERS,
            "config:4: ",
        ),
        (format!("{key}nonsense = 1\n"), USERS, "config:3: "),
        (
            format!("{CONFIG}[login]\nattempts = 99\n"),
            USERS,
            "config:4: ",
        ),
        (
            key.to_owned(),
            "[users]\nalice = 1635\nbob = -1\n",
            "users:3: ",
        ),
        (key.to_owned(), "[users]\nalice = \n", "users:2: "),
        (key.to_owned(), "[people]\n", "users:1: "),
    ];
    check_rows(table, |(config, users, place)| {
        let (status, answer) = check(Some(&config), Some(users));
        assert_eq!(
            (status, &answer["ok"]),
            (4, &Value::Bool(false)),
            "{answer}"
        );
        let files = answer["files"].as_array().unwrap();
        let problems: Vec<_> = files
            .iter()
            .flat_map(|file| file["problems"].as_array().unwrap())
            .collect();
        assert_eq!(problems.len(), 1, "{answer}");
        assert!(problems[0].as_str().unwrap().contains(place), "{answer}");
    });
}

#[test]
fn the_secrets_beside_the_mapping_are_checked_too_and_never_quoted() {
    let bob = "[users]\nbob = { totp = true }\n";
    let good = format!("[totp]\nbob = {{ secret = \"{SECRET}\" }}\n");
    let table = [
        (bob, Some(good.clone()), 0, "totp.toml"),
        (bob, None, 4, "totp.toml: No such file"),
        (
            bob,
            Some("[totp]\n".to_owned()),
            4,
            "totp.toml: bob has no secret there",
        ),
        (
            bob,
            Some("[totp]\n\nbob = { secret = \"0189\" }\n".to_owned()),
            4,
            "totp.toml:3: bob: secret is not base32",
        ),
        (
            USERS,
            Some(good),
            0,
            "totp.toml:2: no entry of users.toml uses the secret of bob",
        ),
    ];
    check_rows(table, |(users, secrets, expected, says)| {
        let (status, answer) = check_with(None, Some(users), secrets.as_deref());
        assert_eq!(status, expected, "{answer}");
        let text = answer.to_string();
        assert!(text.contains(says) && !text.contains(SECRET), "{answer}");
    });
}
