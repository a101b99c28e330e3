//! `explain`.

use std::fs;

use serde_json::json;

use super::{enrolled, run_json};

#[test]
fn explain_names_file_and_line() {
    let sim = enrolled();
    let (status, answer) = run_json(&sim, &["explain", "alice"], "");
    assert_eq!((status, &answer["required"]), (0, &json!(true)));
    assert!(answer["line"].as_u64().is_some());
    let (_, answer) = run_json(&sim, &["explain", "nobody-here", "--service", "sudo"], "");
    assert_eq!(
        (&answer["required"], &answer["line"]),
        (&json!(true), &json!(null))
    );

    let config = sim.path("config.toml");
    let text = fs::read_to_string(&config).unwrap() + "\n[service.sudo]\nunenrolled = \"ignore\"\n";
    let line = text.lines().count();
    fs::write(&config, text).unwrap();
    let (_, answer) = run_json(&sim, &["explain", "nobody-here", "--service", "sudo"], "");
    assert_eq!(
        (&answer["required"], &answer["line"]),
        (&json!(false), &json!(line))
    );
    let (_, answer) = run_json(&sim, &["explain", "alice", "--service", "sudo"], "");
    assert_eq!(answer["required"], true);
}
