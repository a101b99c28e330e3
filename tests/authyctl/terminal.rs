//! Output on a terminal: prompts, countdown, progress bar, colour.

use std::fs;
use std::path::Path;

use pam_authy::store::users::Mapping;
use serde_json::json;

use super::{enrolled, run_json};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::terminal::Terminal;

fn authyctl(sim: &Sim, arguments: &[&str], environment: &str) -> Terminal {
    let (config, users) = (sim.path("config.toml"), sim.path("users.toml"));
    let files = ["--config", config.to_str().unwrap()];
    let more = ["--users", users.to_str().unwrap()];
    let program = Path::new(env!("CARGO_BIN_EXE_authyctl"));
    Terminal::run(program, &[&files, &more, arguments].concat(), environment)
}

#[test]
fn init_asks_for_the_key_and_does_not_show_it() {
    let sim = Sim::start();
    let key = sim.key();
    let ca = sim.path("ca.pem");
    let url = sim.url();
    fs::remove_file(sim.path("config.toml")).unwrap();
    let how = ["init", "--url", &url, "--ca-file", ca.to_str().unwrap()];
    let terminal = authyctl(&sim, &how, "");
    terminal.wait_for("Authy API key:");
    // The echo is turned off a moment after the prompt is shown, later on a busy machine than a
    // person types.
    std::thread::sleep(std::time::Duration::from_millis(500));
    terminal.press(&[&key, "Enter"]);
    let screen = terminal.wait_for("ended with 0");
    assert!(!screen.contains(&key), "{screen}");
    assert!(
        fs::read_to_string(sim.path("config.toml"))
            .unwrap()
            .contains(&key)
    );
}

#[test]
fn verify_and_phone_check_ask_for_what_is_left_out() {
    let sim = enrolled();
    let terminal = authyctl(&sim, &["verify", "alice"], "");
    terminal.wait_for("Verification code:");
    terminal.press(&[&sim.token(1635), "Enter"]);
    terminal.wait_for("the token is valid");

    let (status, _) = run_json(&sim, &["phone", "start", "+1 405-342-5699"], "");
    assert_eq!(status, 0);
    let code = sim.get("/phone.json")["verifications"][0]["code"].clone();
    let terminal = authyctl(&sim, &["phone", "check", "+1 405-342-5699"], "");
    terminal.wait_for("Code:");
    terminal.press(&[code.as_str().unwrap(), "Enter"]);
    terminal.wait_for("the code is correct");
}

#[test]
fn a_push_counts_down_until_the_person_answers() {
    let sim = enrolled();
    sim.change(1635, &json!({"registered": true}));
    let terminal = authyctl(&sim, &["push", "alice", "--message", "Hello"], "");
    terminal.wait_for("waiting for the phone: 11");
    let phones = sim.get("/phone.json");
    let uuid = phones["users"][0]["approvals"][0]["uuid"].clone();
    let path = format!("/phone/approvals/{}", uuid.as_str().unwrap());
    sim.post(&path, &json!({"approve": true}));
    let screen = terminal.wait_for("ended with 0");
    assert!(
        screen.contains("approved") && !screen.contains("waiting"),
        "{screen}"
    );
}

#[test]
fn an_import_draws_a_bar_and_is_completed_after_ctrl_c() {
    let sim = enrolled();
    let mut rows = "user,email,cellphone\n".to_owned();
    for n in 0..200 {
        rows.push_str(&format!("user{n},u{n}@x.test,405-342-{n:04}\n"));
    }
    rows.push_str("bad,b@x.test,12\n");
    let file = sim.path("people.csv");
    fs::write(&file, rows).unwrap();
    let import = ["import", file.to_str().unwrap()];
    // Slow enough to watch the progress bar.
    sim.fault(&json!({"match": {"path": "/users/new"}, "times": 0, "delay_ms": 30}));

    let terminal = authyctl(&sim, &import, "");
    terminal.wait_for("█");
    terminal.wait_for("/201 user");
    terminal.press(&["C-c"]);
    let screen = terminal.wait_for("ended with 1");
    let (said, hint) = (
        "stopped by a signal; ",
        "hint: the same command continues from there",
    );
    assert!(screen.contains(said) && screen.contains(hint), "{screen}");
    let so_far = Mapping::load(&sim.path("users.toml"))
        .unwrap()
        .iter()
        .count()
        - 1;
    assert!(so_far < 200, "it was not stopped");
    assert_eq!(
        sim.count("/users/new"),
        so_far,
        "each person that was created is mapped"
    );

    let terminal = authyctl(&sim, &import, "");
    let screen = terminal.wait_for("ended with 1");
    assert!(screen.contains("line 202: bad: cellphone 12: "), "{screen}");
    assert!(
        screen.contains(&format!("{} enrolled, {so_far} already", 200 - so_far)),
        "{screen}"
    );
    assert!(!screen.contains('█'), "{screen}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let sim = Sim::start();
    let red = "\u{1b}[31m";
    let screen = authyctl(&sim, &["status", "bob"], "").wait_for("ended with 4");
    assert!(
        screen.contains(red) && screen.contains("hint: "),
        "{screen}"
    );
    check_rows(["NO_COLOR=1", "TERM=dumb"], |environment| {
        let screen = authyctl(&sim, &["status", "bob"], environment).wait_for("ended with 4");
        assert!(!screen.contains('\u{1b}'), "{screen}");
        let screen = authyctl(&sim, &["doctor"], environment).wait_for("ended with 0");
        assert!(!screen.contains('\u{1b}'), "{screen}");
    });
    let screen = authyctl(&sim, &["doctor"], "").wait_for("ended with 0");
    assert!(
        screen.contains("\u{1b}[32mok") && screen.contains("\u{1b}[33mwarning"),
        "{screen}"
    );
}
