//! The grammar of the simulator's faults in authy-sim(1), against the simulator.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::rows::check_rows;
use crate::common::sim::Sim;

/// Arms a fault as a person does, and returns the answer.
fn arm(sim: &Sim, fault: &str) -> Value {
    let url = format!("{}/faults", sim.control());
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "5", "--data", fault, &url])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn manual() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/man/authy-sim.1");
    fs::read_to_string(file).unwrap()
}

#[test]
fn each_fault_of_the_manual_can_be_armed() {
    let sim = Sim::start();
    let manual = manual();
    let examples = manual.split(".nf\n").skip(1);
    let examples = examples.map(|after| after.split_once("\n.fi").unwrap().0.replace("\\e", "\\"));
    let examples: Vec<_> = examples.collect();
    assert!(examples.len() >= 4, "{examples:?}");
    check_rows(examples, |fault| {
        assert_eq!(arm(&sim, &fault), json!({"armed": true}), "{fault}");
    });
}

/// The simulator names what it knows where a word is unknown to it.
#[test]
fn the_manual_has_each_member_and_each_word_of_a_fault() {
    let sim = Sim::start();
    let manual = manual().replace("\\-", "-");
    let (_, faults) = manual.split_once(".SH FAULTS").unwrap();
    let all = json!({"match": {"path": "", "method": "GET"}, "times": 0, "status": 200});
    sim.fault(&all);
    let armed = sim.get("/faults")[0].clone();
    let members = armed.as_object().unwrap().keys().cloned();
    let inner = ["path", "method", "bytes", "every_ms"].map(str::to_owned);
    let mut words: Vec<_> = members.chain(inner).collect();
    for member in ["endless", "listener", "certificate"] {
        let refusal = arm(&sim, &json!({member: "?"}).to_string());
        let text = refusal["message"].as_str().unwrap().to_owned();
        let (_, known) = text.split_once("one of ").unwrap();
        let known: Vec<_> = known.split(", ").collect();
        assert!(known.len() >= 3, "{known:?}");
        words.extend(
            known
                .into_iter()
                .map(|word| word.trim_matches('`').to_owned()),
        );
    }
    assert!(words.len() > 25, "{words:?}");
    let is_separate = |c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c));
    let known: Vec<_> = faults.split(is_separate).collect();
    check_rows(words, |word| {
        assert!(known.contains(&word.as_str()), "{word} is missing");
    });
}
