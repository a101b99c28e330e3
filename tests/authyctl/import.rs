//! The command `import`: bad rows, interruptions, formats.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use pam_authy::store::users::Mapping;
use serde_json::{Value, json};

use super::{authyctl, enrolled, run, run_json, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

fn import(sim: &Sim, name: &str, rows: &str, more: &[&str]) -> (i32, Value) {
    let file = sim.path(name);
    fs::write(&file, rows).unwrap();
    run_json(
        sim,
        &[&["import", file.to_str().unwrap()][..], more].concat(),
        "",
    )
}

#[test]
fn import_goes_on_behind_a_bad_row_and_completes_when_run_again() {
    let sim = enrolled();
    let rows = "user,email,cellphone,country_code\njane,j@x.test,405-342-5600,1\nbad,b@x.test,1,1\ncarl,c@x.test,300 300 3333,57\n";
    let before = fs::read(sim.path("users.toml")).unwrap();
    let (status, dry) = import(&sim, "p.csv", rows, &["--dry-run"]);
    assert_eq!((status, &dry["enrolled"]), (1, &json!(2)));
    assert_eq!(fs::read(sim.path("users.toml")).unwrap(), before);
    assert!(sim.requests().is_empty(), "a dry run sends nothing");

    let (status, answer) = import(&sim, "p.csv", rows, &[]);
    assert_eq!(
        (status, &answer["enrolled"], &answer["failed"][0]["line"]),
        (1, &json!(2), &json!(3))
    );
    let (status, answer) = import(
        &sim,
        "p.csv",
        &rows.replace("test,1,1", "test,405-342-5601,1"),
        &[],
    );
    assert_eq!(
        (status, &answer["enrolled"], &answer["skipped"]),
        (0, &json!(1), &json!(2))
    );
    assert_eq!(sim.count("/users/new"), 3, "no person is created twice");
}

#[test]
fn an_authy_ssh_configuration_is_imported() {
    let sim = Sim::start();
    let rows = "banner=Good\napi_key=x\nuser=alice:1635\nuser=alice:7\nuser=bob:1636\n";
    let (status, answer) = import(&sim, "authy-ssh.conf", rows, &[]);
    assert_eq!((status, &answer["enrolled"]), (1, &json!(2)));
    assert_eq!(answer["failed"][0]["line"], 4, "{answer}");
    assert!(sim.requests().is_empty());
}

/// The files of `tests/fixtures/cases`: exit status, how many would be enrolled, and the errors.
type Case = (&'static str, i32, u64, &'static [&'static str]);

const CASES: [Case; 11] = [
    (
        "import-same-user-twice.csv",
        1,
        2,
        &[
            "4 authy_id",
            "5 authy_id",
            "6 authy_id",
            "7 mary is in line 2 already",
        ],
    ),
    (
        "import-same-user-twice-authy-ssh.conf",
        1,
        2,
        &["4 mary is in line 3 already"],
    ),
    (
        "import-semicolon.csv",
        2,
        0,
        &["line 1: columns are separated by semicolons: use commas"],
    ),
    ("tab.csv", 2, 0, &["line 1: columns are separated by tabs"]),
    (
        "utf16.csv",
        2,
        0,
        &["line 1: is UTF-16: save the file as UTF-8"],
    ),
    (
        "ragged.csv",
        1,
        0,
        &[
            "2 has a different number of columns",
            "3 has a different number of columns",
        ],
    ),
    ("console.csv", 2, 0, &["names no column `user`"]),
    ("known.csv", 0, 3, &[]),
    ("authy-ssh-ansible.conf", 0, 2, &[]),
    ("authy-ssh-crlf.conf", 0, 2, &[]),
    (
        "phones.csv",
        1,
        13,
        &[
            "4 cellphone",
            "6 country_code",
            "7 country_code",
            "8 cellphone",
        ],
    ),
];

#[test]
fn each_file_that_went_wrong_once_has_the_same_answer_in_a_dry_run() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    check_rows(CASES, |(name, status, enrolled, errors)| {
        let rows = fs::read(cases.join(name)).unwrap();
        for more in [&["--dry-run"][..], &[]] {
            let sim = Sim::start();
            let file = sim.path(name);
            fs::write(&file, &rows).unwrap();
            let how = [&["import", file.to_str().unwrap()][..], more].concat();
            let (found, answer) = run_json(&sim, &how, "");
            assert_eq!(found, status, "{more:?}: {answer}");
            assert_eq!(
                answer["enrolled"].as_u64().unwrap_or_default(),
                enrolled,
                "{more:?}: {answer}"
            );
            let failed = answer["failed"].as_array().cloned().unwrap_or_default();
            let mut said: Vec<_> = failed
                .iter()
                .map(|row| format!("{} {}", row["line"], row["message"].as_str().unwrap()))
                .collect();
            let whole = answer["error"]["message"]
                .as_str()
                .filter(|_| said.is_empty());
            said.extend(whole.map(str::to_owned));
            assert_eq!(said.len(), errors.len(), "{more:?}: {said:?}");
            for (said, expected) in said.iter().zip(errors) {
                assert!(said.contains(expected), "{more:?}: {said}: {expected}");
            }
        }
    });
}

#[test]
fn an_unusable_import_file_is_refused_with_the_reason() {
    let sim = Sim::start();
    let (status, answer) = import(&sim, "p.csv", "name,id\nx,1\n", &[]);
    assert_eq!(status, 2);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`user`")
    );
    let (status, _) = import(&sim, "large.csv", &"x".repeat(17 * 1024 * 1024), &[]);
    assert_eq!(status, 2);
    let (status, _) = run_json(&sim, &["import", "/no/such/file"], "");
    assert_eq!(status, 4);
}

#[test]
fn an_import_that_is_killed_at_any_moment_leaves_a_whole_mapping_and_is_completed() {
    const ROWS: usize = 1000;
    let sim = enrolled();
    let users = sim.path("users.toml");
    let comment = "# kept\n";
    let before = fs::read_to_string(&users).unwrap();
    fs::write(&users, format!("{comment}{before}")).unwrap();
    fs::set_permissions(&users, fs::Permissions::from_mode(0o640)).unwrap();
    let mut rows = "user,email,cellphone\n".to_owned();
    for n in 0..ROWS {
        rows.push_str(&format!("user{n},u{n}@x.test,405-342-{n:04}\n"));
    }
    let file = sim.path("p.csv");
    fs::write(&file, rows).unwrap();
    let mut so_far = 1;
    for round in 0..12_u64 {
        let mut command = authyctl();
        command.arg("--config").arg(sim.path("config.toml"));
        command.arg("--users").arg(&users);
        command.arg("--quiet").arg("import").arg(&file);
        let mut child = command.spawn().unwrap();
        // Reading the rows takes a while: wait until authyctl writes the first of them.
        let until = Instant::now() + Duration::from_secs(10);
        let length = |path: &Path| fs::metadata(path).unwrap().len();
        let before = length(&users);
        while length(&users) == before && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(3700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let text = fs::read_to_string(&users).unwrap();
        let count = Mapping::parse(&text, &users).unwrap().iter().count();
        assert!(text.starts_with(comment) && count >= so_far, "{text}");
        let mode = fs::metadata(&users).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        so_far = count;
    }
    assert!(so_far > 1 && so_far < ROWS, "{so_far}");

    let (status, answer) = run_json(&sim, &["import", file.to_str().unwrap()], "");
    assert_eq!((status, &answer["failed"]), (0, &json!([])));
    assert_eq!(answer["skipped"], so_far - 1);
    assert_eq!(Mapping::load(&users).unwrap().iter().count(), ROWS + 1);
    let people = sim.get("/phone.json")["users"].as_array().unwrap().len();
    assert_eq!(people, ROWS + 1, "no person is created twice");
}

#[test]
fn an_import_stops_where_every_further_row_would_fail_alike() {
    let rows = "user,email,cellphone\n".to_owned()
        + &(0..20)
            .map(|n| format!("user{n},u{n}@x.test,405-342-{n:04}\n"))
            .collect::<String>();
    let table = [
        (json!({"status": 500, "times": 0}), 3, 3),
        (
            json!({"status": 401, "times": 0, "body": "{\"error_code\":\"60001\"}"}),
            1,
            1,
        ),
        (json!({"status": 429, "times": 0}), 1, 1),
    ];
    check_rows(table, |(fault, status, requests)| {
        let sim = Sim::start();
        sim.fault(&fault);
        let (found, answer) = import(&sim, "p.csv", &rows, &[]);
        assert_eq!(found, status, "{answer}");
        assert_eq!(sim.count("/users/new"), requests, "{answer}");
        assert_eq!(answer["failed"].as_array().unwrap().len(), requests);
        sim.forget_faults();
        let (found, answer) = import(&sim, "p.csv", &rows, &[]);
        assert_eq!((found, &answer["enrolled"]), (0, &json!(20)));
    });
}

/// What is refused by HTTP 429 was not done, so a row can be tried again.
#[test]
fn an_import_waits_where_authy_names_a_short_time_and_goes_on() {
    let rows = "user,email,cellphone\nbob,b@x.test,405-342-5600\nkim,k@x.test,405-342-5601\n";
    let table = [
        ("1", 1, 0, 3),
        ("1", 3, 0, 5),
        ("1", 4, 1, 4),
        ("3600", 1, 1, 1),
        ("abc", 1, 1, 1),
    ];
    check_rows(table, |(wait, times, status, requests)| {
        let sim = Sim::start();
        sim.fault(&json!({"status": 429, "times": times, "headers": {"Retry-After": wait}}));
        let begun = Instant::now();
        let (found, answer) = import(&sim, "p.csv", rows, &[]);
        assert_eq!(found, status, "{answer}");
        assert_eq!(sim.count("/users/new"), requests, "{answer}");
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(20), "{waited:?}");
        if status == 0 {
            assert_eq!(answer["enrolled"], 2);
            assert!(waited >= Duration::from_secs(times), "{waited:?}");
        }
    });
}

#[test]
fn without_a_configuration_an_import_of_new_people_does_not_begin() {
    let sim = Sim::start();
    fs::remove_file(sim.path("config.toml")).unwrap();
    let rows = "user,email,cellphone\nbob,b@x.test,405-342-5600\n";
    let (status, answer) = import(&sim, "p.csv", rows, &[]);
    assert_eq!((status, &answer["error"]["kind"]), (4, &json!("local")));
    let (status, _) = import(&sim, "p.csv", "user,authy_id\nbob,7\n", &[]);
    assert_eq!(status, 0, "a file of ids needs none");
}

#[test]
fn csv_as_spreadsheets_write_it_is_imported_and_bad_rows_are_named_by_line() {
    let sim = Sim::start();
    let rows = "\u{feff}email,user,cellphone,country_code,note\r\n\
                j@x.test,\"jane.doe\",\"300 300 3333\",57,\"two\r\nlines\"\r\n\
                k@x.test,kim,405-342-5600\r\n\
                l@x.test,\"le\"\"o\",405-342-5601,,\r\n";
    let (status, answer) = import(&sim, "p.csv", rows, &[]);
    assert_eq!((status, &answer["enrolled"]), (1, &json!(2)), "{answer}");
    let failed = &answer["failed"];
    assert_eq!(failed[0]["line"], 4, "{failed}");
    assert_eq!(
        failed[0]["message"],
        "has a different number of columns than the first line"
    );
    let text = fs::read_to_string(sim.path("users.toml")).unwrap();
    assert!(
        text.contains("\"jane.doe\" = ") && text.contains("le\\\"o") || text.contains("'le\"o' = "),
        "{text}"
    );
}

#[test]
fn with_quiet_only_failed_rows_are_reported() {
    let sim = Sim::start();
    let file = sim.path("p.csv");
    fs::write(&file, "user,authy_id\nbob,7\ncarl,x\n").unwrap();
    let output = run(&sim, &["--quiet", "import", file.to_str().unwrap()], "");
    let said = text(&output.stderr);
    assert_eq!(text(&output.stdout), "");
    assert!(
        said.starts_with("line 3: carl: authy_id is not an integer"),
        "{said}"
    );
    assert!(!said.contains("bob"), "{said}");
}

/// The text of a file of secrets and that of the mapping.
fn files(sim: &Sim) -> [String; 2] {
    ["users.toml", "totp.toml"].map(|name| fs::read_to_string(sim.path(name)).unwrap_or_default())
}

/// The secret of a test vector (RFC 6238), with other last letters.
fn secret(end: &str) -> String {
    format!("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQO{end}")
}

/// Rows that come in, rows that are there already, and rows that cannot be used, of every kind.
fn mixed_rows() -> String {
    let (one, other) = (secret("JQ"), secret("AA"));
    format!(
        "user,authy_id,phone,totp_secret,country_code\n\
         alice,1635,+15551234501,,\nbob,,+15551234502,{one},\ncarol,,+15551234503,,\n\
         dave,,,{one},\nerin,1640,+15551234505,{one},\nfrank,,(405) 342-5606,,1\n\
         gina,,405-342-5607,,\nhal,,+15551234508,0189,\niris,,+15551234599,,\njack,7,,{other},\n\
         kim,8,+15551234511,,\nleo,,+15551234512,,\nmia,,,{other},\nalice,1635,,,\n,5,,,\nned,,,,\n\
         \"jane.doe\",,+15551234514,{other},\n"
    )
}

const MIXED: &str = "[users]\nalice = 1635 # stays\ncarol = { phone = \"+15551234503\", totp = true }\n\
    dave = { totp = true }\niris = { phone = \"+15551234509\" }\njack = 9\nkim = 0\n\
    leo = { keys = { \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\" = 1635 } }\n";

/// Writes the files of before, and returns the simulator.
fn mixed() -> Sim {
    let sim = Sim::start();
    fs::write(sim.path("users.toml"), MIXED).unwrap();
    let secrets = format!(
        "[totp]\ncarol = {{ secret = \"{0}\" }}\ndave = {{ secret = \"{0}\" }}\nmia = {{ secret = \"{0}\" }}\n",
        secret("JQ")
    );
    fs::write(sim.path("totp.toml"), secrets).unwrap();
    fs::set_permissions(sim.path("totp.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    sim
}

#[test]
fn a_dry_run_says_of_each_row_what_the_import_does_and_changes_nothing() {
    for more in [&[][..], &["--replace"]] {
        let sim = mixed();
        let before = files(&sim);
        let dry = import(
            &sim,
            "p.csv",
            &mixed_rows(),
            &[&["--dry-run"], more].concat(),
        );
        assert_eq!(files(&sim), before);
        let left: Vec<_> = fs::read_dir(sim.folder()).unwrap().flatten().collect();
        let is_lock = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".lock");
        assert!(!left.iter().any(is_lock), "{left:?}");
        let real = import(&sim, "p.csv", &mixed_rows(), more);
        assert_ne!(files(&sim), before);
        let answer = |(status, mut answer): (i32, Value)| {
            answer["dry_run"] = Value::Null;
            let message = answer["error"]["message"].as_str().unwrap();
            answer["error"]["message"] = json!(message.replace("would be ", ""));
            (status, answer)
        };
        assert_eq!(answer(dry), answer(real), "{more:?}");
    }
}

#[test]
fn numbers_and_secrets_are_added_beside_what_is_there_and_what_is_left_out_is_named() {
    let sim = mixed();
    let (status, answer) = import(&sim, "p.csv", &mixed_rows(), &[]);
    assert_eq!(
        (status, &answer["enrolled"], &answer["skipped"]),
        (1, &json!(6), &json!(2)),
        "{answer}"
    );
    let failed = answer["failed"].as_array().unwrap();
    let failed: Vec<_> = failed
        .iter()
        .map(|row| format!("{} {} {}", row["line"], row["user"], row["message"]))
        .collect();
    let expected = [
        "8 \"gina\" \"phone has no country",
        "9 \"hal\" \"totp_secret: ",
        "10 \"iris\" \"iris has another number already",
        "11 \"jack\" \"jack is enrolled with another authy id, 9",
        "13 \"leo\" \"leo: several people share it",
        "14 \"mia\" \"mia has another secret already; --replace replaces it",
        "15 \"alice\" \"alice is in line 2 already",
        "16 null \"user is not a valid account name",
        "17 \"ned\" \"authy_id is not an integer",
    ];
    assert_eq!(failed.len(), expected.len(), "{failed:#?}");
    for (row, start) in failed.iter().zip(expected) {
        assert!(row.starts_with(start), "{row}: {start}");
    }
    let [users, secrets] = files(&sim);
    let new = "bob = { phone = \"+15551234502\", totp = true }\n\
               erin = { authy_id = 1640, phone = \"+15551234505\", totp = true }\n\
               frank = { phone = \"+14053425606\" }\n\
               \"jane.doe\" = { phone = \"+15551234514\", totp = true }\n";
    let alice = "alice = { authy_id = 1635, phone = \"+15551234501\" } # stays";
    // A right id repairs an entry that has a wrong one alone.
    let kim = "kim = { authy_id = 8, phone = \"+15551234511\" }";
    let old = MIXED
        .replace("alice = 1635 # stays", alice)
        .replace("kim = 0", kim);
    assert_eq!(users, old + new);
    // jack and mia, whose rows have failed, have got no secret.
    assert!(secrets.contains("\"jane.doe\" = "), "{secrets}");
    assert_eq!(secrets.matches(&secret("AA")).count(), 1, "{secrets}");
    assert!(!secrets.contains("jack"), "{secrets}");
    // The same again.
    let (_, again) = import(&sim, "p.csv", &mixed_rows(), &[]);
    assert_eq!(
        (&again["enrolled"], &again["skipped"]),
        (&json!(0), &json!(8))
    );
    assert_eq!(files(&sim), [users, secrets]);
}

#[test]
fn a_replaced_number_is_another_person_only_where_no_factor_is_kept() {
    let sim = Sim::start();
    let users = "[users]\nann = { authy_id = 1635, phone = \"+15551234501\" }\nbob = { phone = \"+15551234502\" }\n";
    fs::write(sim.path("users.toml"), users).unwrap();
    for user in ["ann", "bob"] {
        let (status, answer) = run_json(&sim, &["recovery", "generate", user], "");
        assert_eq!(status, 0, "{answer}");
    }
    let rows = "user,phone\nann,+15551234511\nbob,+15551234512\n";
    let (status, answer) = import(&sim, "p.csv", rows, &["--replace"]);
    assert_eq!((status, &answer["enrolled"]), (0, &json!(2)), "{answer}");
    let left = |user| run_json(&sim, &["recovery", "left", user], "").1["left"].clone();
    assert_eq!((left("ann"), left("bob")), (json!(10), json!(0)));
}

/// Recovery codes belong to the factors that they know: an import tells them of the new ones, so
/// that they stay when the old one is taken away before the person has logged in again.
#[test]
fn recovery_codes_outlast_the_factor_that_an_import_has_replaced_by_another() {
    for is_killed in [false, true] {
        let sim = enrolled();
        let (_, made) = run_json(&sim, &["recovery", "generate", "alice"], "");
        assert_eq!(made["codes"].as_array().unwrap().len(), 10, "{made}");
        if is_killed {
            // As an import leaves it that was killed right after its write.
            let users = fs::read_to_string(sim.path("users.toml")).unwrap();
            let both = "alice = { authy_id = 1635, phone = \"+15551234501\" }";
            fs::write(sim.path("users.toml"), users.replace("alice = 1635", both)).unwrap();
        }
        let (status, answer) = import(&sim, "p.csv", "user,phone\nalice,+15551234501\n", &[]);
        assert_eq!(status, 0, "{answer}");
        let users = fs::read_to_string(sim.path("users.toml")).unwrap();
        let without_authy = users.replace("authy_id = 1635, ", "");
        assert_ne!(users, without_authy);
        fs::write(sim.path("users.toml"), without_authy).unwrap();
        let (_, left) = run_json(&sim, &["recovery", "left", "alice"], "");
        assert_eq!(left["left"], 10, "{is_killed}: {left}");
    }
}

#[test]
fn an_import_of_numbers_and_secrets_that_is_killed_comes_to_the_same_end() {
    const ROWS: usize = 400;
    let mut rows = "user,authy_id,phone,totp_secret\n".to_owned();
    for n in 0..ROWS {
        let (high, low) = (n / 26, n % 26);
        let end = [high, low].map(|n| char::from(b'A' + u8::try_from(n).unwrap()));
        let end: String = end.iter().collect();
        rows.push_str(&format!("user{n},,+1555123{n:04},{}\n", secret(&end)));
    }
    let whole = enrolled();
    let (status, answer) = import(&whole, "p.csv", &rows, &[]);
    assert_eq!((status, &answer["enrolled"]), (0, &json!(ROWS)), "{answer}");

    let sim = enrolled();
    let file = sim.path("p.csv");
    fs::write(&file, &rows).unwrap();
    let mut finished = false;
    for round in 0..crate::common::rounds(8) {
        let mut command = authyctl();
        command.arg("--config").arg(sim.path("config.toml"));
        command.arg("--users").arg(sim.path("users.toml"));
        let mut child = command
            .arg("--quiet")
            .arg("import")
            .arg(&file)
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(15 + 23 * u64::from(round)));
        finished |= matches!(child.try_wait(), Ok(Some(_)));
        child.kill().unwrap();
        child.wait().unwrap();
        // Each entry that says that there is an app has its secret.
        let (status, answer) = run_json(&sim, &["check"], "");
        assert_eq!(status, 0, "{answer}");
    }
    let (status, answer) = run_json(&sim, &["import", file.to_str().unwrap()], "");
    assert_eq!((status, &answer["failed"]), (0, &json!([])), "{finished}");
    assert_eq!(files(&sim), files(&whole));
}
