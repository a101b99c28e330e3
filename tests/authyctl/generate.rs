//! The commands `completions` and `man`.

use super::{run, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;

#[test]
fn completions_and_manual_know_every_command() {
    let sim = Sim::start();
    let man = text(&run(&sim, &["man"], "").stdout);
    let table = [
        "INIT",
        "ENROLL",
        "IMPORT",
        "PUSH",
        "QR",
        "PHONE START",
        "DOCTOR",
        "EXPLAIN",
    ];
    check_rows(table, |command| {
        assert!(man.contains(&format!("AUTHYCTL {command}")), "{command}");
    });
    check_rows(["bash", "zsh", "fish"], |shell| {
        let script = text(&run(&sim, &["completions", shell], "").stdout);
        assert!(
            script.contains("doctor") && script.contains("hidden-detail"),
            "{shell}"
        );
    });
}
