//! `completions`, `man`.

use super::{run, text};
use crate::common::sim::Sim;

#[test]
fn completions_and_manual_know_every_command() {
    let sim = Sim::start();
    let man = text(&run(&sim, &["man"], "").stdout);
    for command in [
        "INIT",
        "ENROLL",
        "IMPORT",
        "PUSH",
        "QR",
        "PHONE START",
        "DOCTOR",
        "EXPLAIN",
    ] {
        assert!(man.contains(&format!("AUTHYCTL {command}")), "{command}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(&sim, &["completions", shell], "").stdout);
        assert!(
            script.contains("doctor") && script.contains("hidden-detail"),
            "{shell}"
        );
    }
}
