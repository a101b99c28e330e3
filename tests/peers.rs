//! Clients that nobody here wrote, against authy-sim.

use std::path::Path;
use std::process::Command;

use crate::common::sim::Sim;

/// Where scripts/peers.sh puts the package.
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/authy");

#[test]
#[ignore = "needs the Python package authy in target/peers (scripts/peers.sh)"]
fn every_call_of_the_python_client_works_against_the_simulator() {
    assert!(
        Path::new(PACKAGE).is_dir(),
        "run scripts/peers.sh first: {PACKAGE} is missing"
    );
    let sim = Sim::start();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/authy_python.py");
    let output = Command::new("python3")
        .arg(script)
        .args([sim.url(), sim.key(), sim.control().to_owned()])
        .env("PYTHONPATH", PACKAGE)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("REQUESTS_CA_BUNDLE", sim.path("ca.pem"))
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("all calls done"), "{text}");
}
