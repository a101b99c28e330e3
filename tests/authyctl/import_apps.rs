//! `import` of apps: files of the real google-authenticator, oath-toolkit's users file, `otpauth://`
//! addresses, and the CSV column `totp_secret`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, User};
use serde_json::{Value, json};

use super::totp::Host;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::totp::{SECRET, google_authenticator as google, own_name as me};

fn import(host: &Host, path: &Path, more: &[&str]) -> (i32, Value) {
    let start = ["import", "--google-authenticator", path.to_str().unwrap()];
    host.run_json(&[&start[..], more].concat(), "")
}

#[test]
fn a_file_of_google_authenticator_is_imported_for_its_owner_with_the_emergency_codes() {
    let host = Host::new();
    let home = tempfile::tempdir().unwrap();
    let file = google(home.path(), "-t");
    let text = fs::read_to_string(&file).unwrap();
    let secret = text.lines().next().unwrap();

    let (status, dry) = import(&host, &file, &["--dry-run"]);
    assert_eq!((status, &dry["enrolled"]), (0, &json!(1)), "{dry}");
    assert!(!host.path("totp.toml").exists());
    let (status, answer) = import(&host, &file, &[]);
    assert_eq!(
        (status, &answer["enrolled"], &answer["failed"]),
        (0, &json!(1), &json!([]))
    );

    let entry = format!("{} = {{ secret = \"{secret}\" }}\n", me());
    assert!(
        host.text("totp.toml").ends_with(&entry),
        "{}",
        host.text("totp.toml")
    );
    let (_, left) = host.run_json(&["recovery", "left", &me()], "");
    assert_eq!(left["left"], 5);
    let (status, again) = import(&host, &file, &[]);
    assert_eq!((status, &again["skipped"]), (0, &json!(1)));
    let (status, other) = import(&host, &google(home.path(), "-t"), &[]);
    assert_eq!((status, &other["failed"][0]["user"]), (1, &json!(me())));
    let text = other.to_string();
    assert!(
        text.contains("another secret") && !text.contains(secret),
        "{text}"
    );
}

/// The text of a counter-based file.
fn counter_based() -> String {
    let home = tempfile::tempdir().unwrap();
    fs::read_to_string(google(home.path(), "-c")).unwrap()
}

#[test]
fn a_file_that_is_no_plain_small_and_complete_one_of_its_user_is_left_out_and_not_quoted() {
    let host = Host::new();
    let folder = tempfile::tempdir().unwrap();
    let good = google(folder.path(), "-t");
    let text = fs::read_to_string(&good).unwrap();
    let secret = text.lines().next().unwrap();
    let file = folder.path().join("file");
    let write = |text: &str| {
        let _ = fs::remove_file(&file);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    };
    let counter_text = counter_based();
    let rows: [(&str, &dyn Fn(), &str); 7] = [
        ("a link", &|| symlink(&good, &file).unwrap(), "is a link"),
        (
            "huge",
            &|| write(&(text.clone() + &"\" X\n".repeat(2000))),
            "is larger than 4 KiB",
        ),
        (
            "half-written",
            &|| write(&text[..text.len() - 3]),
            "is incomplete",
        ),
        (
            "counter-based",
            &|| write(&counter_text),
            "is counter-based (HOTP)",
        ),
        (
            "a folder",
            &|| fs::create_dir(&file).unwrap(),
            "is not a regular file",
        ),
        (
            "readable by the group",
            &|| {
                write(&text);
                fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
            },
            "group or others have access (mode 0440)",
        ),
        (
            "a pipe",
            &|| nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRUSR).unwrap(),
            "is not a regular file",
        ),
    ];
    for (name, make, why) in rows {
        let _ = fs::remove_file(&file);
        let _ = fs::remove_dir(&file);
        make();
        let (status, answer) = import(&host, &file, &[]);
        let message = answer["failed"][0]["message"].as_str().unwrap();
        assert!(status == 1 && message.contains(why), "{name}: {answer}");
        assert!(!answer.to_string().contains(secret), "{name}: {answer}");
    }
    assert!(!host.path("totp.toml").exists());
    assert_eq!(import(&host, Path::new("/no/such/file"), &[]).0, 4);
}

#[test]
#[ignore = "needs root"]
fn the_files_in_all_homes_are_opened_with_the_rights_of_their_users() {
    sandboxed!();
    let host = Host::new();
    let names = ["ga-good", "ga-link", "ga-other", "ga-none"];
    for name in names {
        let added = Command::new("useradd").args(["-m", name]).status();
        assert!(added.unwrap().success());
    }
    let home = |name: &str| PathBuf::from(format!("/home/{name}"));
    let owner = |name: &str| {
        let user = User::from_name(name).unwrap().unwrap();
        (Some(user.uid.as_raw()), Some(user.gid.as_raw()))
    };
    let good = google(&home("ga-good"), "-t");
    let (uid, gid) = owner("ga-good");
    chown(&good, uid, gid).unwrap();
    symlink(&good, home("ga-link").join(".google_authenticator")).unwrap();
    // Root's own file in another home, as a hard link could put it there.
    google(&home("ga-other"), "-t");

    let (status, answer) = host.run_json(&["import", "--homes"], "");

    assert_eq!((status, &answer["enrolled"]), (0, &json!(1)), "{answer}");
    assert!(
        host.text("users.toml")
            .ends_with("ga-good = { totp = true }\n")
    );
    let failed: Vec<_> = answer["failed"].as_array().unwrap().iter().collect();
    let reason = |user: &str| {
        let found = failed.iter().find(|failed| failed["user"] == user);
        found.unwrap()["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(failed.len(), 2, "{answer}");
    assert!(reason("ga-link").ends_with("is a link"));
    assert!(reason("ga-other").contains("Permission denied"), "{answer}");
}

#[test]
fn without_a_file_in_any_home_nothing_comes_in() {
    if Uid::effective().is_root() {
        // Root reads the homes of this machine, which may have files.
        return;
    }
    let host = Host::new();
    let (status, answer) = host.run_json(&["import", "--homes"], "");
    assert_eq!((status, &answer["enrolled"]), (1, &json!(0)), "{answer}");
}

#[test]
fn lists_of_other_programs_and_csv_add_apps_beside_what_is_there() {
    let host = Host::new();
    host.write("users.toml", "[users]\nbob = 7 # stays\n", 0o644);
    let hex = "3132333435363738393031323334353637383930";
    host.write(
        "users.oath",
        &format!("HOTP/T30/6 bob - {hex}\nHOTP kim - {hex}\n"),
        0o600,
    );
    let uris = format!(
        "otpauth://totp/web:pat?secret={SECRET}&digits=8\notpauth://hotp/jo?secret={SECRET}\n"
    );
    host.write("uris", &uris, 0o600);
    let rows = format!(
        "user,authy_id,totp_secret\nal,5,{SECRET}\nsue,,{SECRET}\nrob,,0189\nbob,8,{SECRET}\n"
    );
    host.write("people.csv", &rows, 0o600);
    let import = |name: &str| {
        let path = host.path(name);
        host.run_json(&["import", path.to_str().unwrap()], "")
    };

    let (status, oath) = import("users.oath");
    assert_eq!((status, &oath["enrolled"]), (0, &json!(1)), "{oath}");
    assert_eq!(oath["failed"][0]["user"], "kim");
    assert_eq!(oath["failed"][0]["line"], 2);
    let (status, list) = import("uris");
    assert_eq!(
        (status, &list["enrolled"], &list["failed"][0]["user"]),
        (0, &json!(1), &json!("jo"))
    );
    let (status, csv) = import("people.csv");
    assert_eq!((status, &csv["enrolled"]), (1, &json!(2)), "{csv}");
    let lines: Vec<_> = csv["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["line"])
        .collect();
    assert_eq!(lines, [4, 5], "{csv}");
    assert!(!(csv.to_string() + &list.to_string()).contains(SECRET));

    assert_eq!(
        host.text("users.toml"),
        "[users]\nbob = { authy_id = 7, totp = true } # stays\npat = { totp = true }\n\
         al = { authy_id = 5, totp = true }\nsue = { totp = true }\n"
    );
    let secrets = host.text("totp.toml");
    for entry in [
        format!("bob = {{ secret = \"{SECRET}\" }}"),
        format!("pat = {{ secret = \"{SECRET}\", digits = 8 }}"),
    ] {
        assert!(secrets.contains(&entry), "{secrets}");
    }
    check_rows(["users.oath", "uris"], |name| {
        let (status, again) = import(name);
        assert_eq!((status, &again["skipped"]), (0, &json!(1)), "{again}");
    });
}
