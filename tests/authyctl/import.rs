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
        said.starts_with("line 3: authy_id is not an integer"),
        "{said}"
    );
    assert!(!said.contains("bob"), "{said}");
}
