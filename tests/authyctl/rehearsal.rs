//! The command `test`: the rehearsal of a login.

use std::fs;

use serde_json::json;

use super::{enrolled, run, run_json, text};
use crate::common::install_product;
use crate::common::sim::Sim;

/// Returns the paths of a module and an engine in the simulator's folder.
fn installed(sim: &Sim) -> (String, String) {
    let (module, engine) = install_product(sim.folder());
    (module.display().to_string(), engine.display().to_string())
}

#[test]
fn test_rehearses_a_login_through_the_real_module() {
    let sim = enrolled();
    let (module, engine) = installed(&sim);
    let rehearse = [
        "test",
        "alice",
        "--service",
        "sshd",
        "--module",
        &module,
        "--engine",
        &engine,
    ];
    let (status, object) = run_json(&sim, &rehearse, &format!("{}\n", sim.token(1635)));
    let expected = json!({
        "ok": true, "user": "alice", "service": "sshd", "module": module,
        "pam_code": "PAM_SUCCESS", "verdict": "accepted",
    });
    assert_eq!((status, object), (0, expected));

    let (status, object) = run_json(&sim, &rehearse, "1111111\n1111111\n1111111\n");
    assert_eq!(
        (status, &object["pam_code"], &object["verdict"]),
        (1, &json!("PAM_MAXTRIES"), &json!("refused"))
    );
    sim.answer_verify(500, "");
    let (status, object) = run_json(&sim, &rehearse, "1111111\n");
    assert_eq!((status, &object["verdict"]), (3, &json!("unavailable")));
    fs::write(sim.path("users.toml"), "broken").unwrap();
    let (status, object) = run_json(&sim, &rehearse, "1111111\n");
    assert_eq!(
        (status, &object["pam_code"]),
        (4, &json!("PAM_SERVICE_ERR"))
    );
}

#[test]
fn the_module_prints_nothing_of_its_own() {
    let sim = enrolled();
    fs::write(sim.path("config.toml"), "broken").unwrap();
    let (module, engine) = installed(&sim);
    let rehearse = [
        "test", "alice", "--quiet", "--module", &module, "--engine", &engine,
    ];
    let output = run(&sim, &rehearse, "1111111\n");
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).starts_with("authyctl: PAM_SERVICE_ERR (error)\nhint: "));
    assert_eq!(text(&output.stderr).lines().count(), 2);
}

#[test]
fn a_missing_module_is_a_local_error() {
    let sim = enrolled();
    let (status, object) = run_json(&sim, &["test", "alice", "--module", "/nonexistent.so"], "");
    assert_eq!((status, &object["error"]["kind"]), (4, &json!("local")));
}

#[test]
fn a_missing_engine_is_a_local_error() {
    let sim = enrolled();
    let (module, _) = installed(&sim);
    let missing = "/nonexistent/pam_authyd";
    let rehearse = ["test", "alice", "--module", &module, "--engine", missing];
    let (status, object) = run_json(&sim, &rehearse, "");
    assert_eq!((status, &object["error"]["kind"]), (4, &json!("local")));
    let said = object["error"]["message"].as_str().unwrap();
    assert!(said.contains(missing), "{said}");
}
