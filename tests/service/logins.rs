//! The same logins by the service as by an engine that the module starts.

use std::process::Command;

use crate::common::sandbox::sandboxed;
use crate::common::service::Service;

/// Runs these tests of logins in this sandbox, by the service.
pub(super) fn run_by(service: &Service, tests_of: &str) {
    let _ = service;
    let mut tests = Command::new(std::env::current_exe().unwrap());
    // What happens to an engine's file is nothing to the service.
    let skipped = "without_a_configuration_or_an_engine_the_text_is_the_english_one";
    tests.args([tests_of, "--test-threads=4", "--skip", skipped]);
    let output = Service::mark(&mut tests).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
#[ignore = "needs root"]
fn every_test_of_a_login_passes_by_the_service() {
    sandboxed!();
    run_by(&Service::activated_in(&["env"]), "module::");
}
