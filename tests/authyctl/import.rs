//! `import`.

use std::fs;
use std::time::Duration;

use pam_authy::users::Mapping;
use serde_json::{Value, json};

use super::{authyctl, enrolled, run_json};
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
    assert!(sim.requests().is_empty(), "a dry run asks nobody");

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
    assert_eq!(sim.count("/users/new"), 3, "nobody is created twice");
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

#[test]
fn an_import_file_that_is_none_is_named() {
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
fn an_import_that_is_killed_leaves_a_whole_mapping_and_is_completed() {
    let sim = enrolled();
    let users = sim.path("users.toml");
    let comment = "# kept\n";
    fs::write(
        &users,
        format!("{comment}{}", fs::read_to_string(&users).unwrap()),
    )
    .unwrap();
    let mut rows = "user,email,cellphone\n".to_owned();
    for n in 0..1000 {
        rows.push_str(&format!("user{n},u{n}@x.test,405-342-{n:04}\n"));
    }
    let file = sim.path("p.csv");
    fs::write(&file, rows).unwrap();
    let mut command = authyctl();
    command
        .arg("--config")
        .arg(sim.path("config.toml"))
        .arg("--users")
        .arg(&users);
    command.arg("--quiet").arg("import").arg(&file);
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    child.kill().unwrap();
    child.wait().unwrap();
    let text = fs::read_to_string(&users).unwrap();
    let mapping = Mapping::parse(&text, &users).unwrap();
    let so_far = mapping.iter().count();
    assert!(text.starts_with(comment));

    let (status, answer) = run_json(&sim, &["import", file.to_str().unwrap()], "");
    assert_eq!((status, &answer["failed"]), (0, &json!([])));
    assert_eq!(answer["skipped"], so_far - 1);
    assert_eq!(Mapping::load(&users).unwrap().iter().count(), 1001);
}
