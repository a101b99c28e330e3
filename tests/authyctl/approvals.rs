//! The commands `push` and `approval`.

use std::time::Duration;

use serde_json::json;

use super::{enrolled, run_json};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Returns the uuid of the newest approval request on the phone; waits for one, 5 s at most.
fn pending(sim: &Sim) -> String {
    for _ in 0..100 {
        let phones = sim.get("/phone.json");
        if let Some(approval) = phones["users"][0]["approvals"].as_array().unwrap().last() {
            return approval["uuid"].as_str().unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no approval request came");
}

#[test]
fn a_push_ends_as_the_person_decides() {
    check_rows(
        [(true, 0, "approved"), (false, 1, "denied")],
        |(approve, expected, word)| {
            let sim = enrolled();
            sim.change(1635, &json!({"registered": true}));
            let (status, answer) = std::thread::scope(|scope| {
                let waiting = scope.spawn(|| {
                    let how = [
                        "push",
                        "alice",
                        "--message",
                        "Log in?",
                        "--detail",
                        "Host=server1",
                    ];
                    run_json(&sim, &how, "")
                });
                let uuid = pending(&sim);
                sim.post(
                    &format!("/phone/approvals/{uuid}"),
                    &json!({"approve": approve}),
                );
                waiting.join().unwrap()
            });
            assert_eq!((status, &answer["status"]), (expected, &json!(word)));
            assert_eq!(answer["ok"], approve);
            let uuid = answer["uuid"].as_str().unwrap();
            let (status, answer) = run_json(&sim, &["approval", uuid], "");
            assert_eq!((status, &answer["status"]), (0, &json!(word)));
        },
    );
}

#[test]
fn a_push_is_asked_about_again_once_the_time_that_authy_names_is_over() {
    let rows = [("1", 0), ("3600", 1), ("abc", 1)];
    check_rows(rows, |(wait, expected)| {
        let sim = enrolled();
        sim.change(1635, &json!({"registered": true}));
        sim.fault(
            &json!({"match": {"path": "/approval_requests/"}, "times": 1, "status": 429,
            "headers": {"Retry-After": wait}}),
        );
        let (status, answer) = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let how = ["push", "alice", "--message", "Log in?", "--expires", "20"];
                run_json(&sim, &how, "")
            });
            let uuid = pending(&sim);
            sim.post(
                &format!("/phone/approvals/{uuid}"),
                &json!({"approve": true}),
            );
            waiting.join().unwrap()
        });
        assert_eq!(status, expected, "{answer}");
        if expected == 1 {
            assert_eq!(answer["error"]["status"], 429, "{answer}");
        }
    });
}

#[test]
fn an_unanswered_push_expires() {
    let sim = enrolled();
    sim.change(1635, &json!({"registered": true}));
    let how = ["push", "alice", "--message", "Log in?", "--expires", "2"];
    let (status, answer) = run_json(&sim, &how, "");
    assert_eq!((status, &answer["status"]), (1, &json!("expired")));
    let how = ["push", "alice", "--message", "Log in?", "--no-wait"];
    let (status, answer) = run_json(&sim, &how, "");
    assert_eq!((status, &answer["status"]), (0, &json!("pending")));
}

#[test]
fn a_push_over_the_limits_is_not_sent() {
    let sim = enrolled();
    let long = "x".repeat(201);
    let table = [
        ["--message", &long, "--detail", "a=b"],
        ["--message", "", "--detail", "a=b"],
        ["--message", "x", "--detail", "123456789012345678901=b"],
        ["--message", "x", "--detail", "nothing"],
    ];
    check_rows(table, |how| {
        let (status, _) = run_json(&sim, &[&["push", "alice"][..], &how].concat(), "");
        assert_eq!(status, 2, "{how:?}");
    });
    assert!(sim.requests().is_empty());
}
