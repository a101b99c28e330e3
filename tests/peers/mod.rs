//! Third-party clients: the Python package `authy`, the npm packages `authy` and `authy-client`
//! and a browser against authy-sim, and SSH clients against sshd.
//!
//! The first ones show that authy-sim serves clients that were written for the real service.
//! scripts/peers.sh fetches them; scripts/check.sh skips these tests by name where one is not
//! available.

mod phone;
mod phone_access;
mod ssh_clients;

use std::path::Path;
use std::process::Command;

use crate::common::sim::Sim;

/// The folder where scripts/peers.sh installs the package.
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

/// Runs a script below tests/peers with node and the npm packages, against a new simulator.
fn runs_with_npm_package(script: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = root.join("target/peers/npm/node_modules");
    assert!(modules.is_dir(), "run scripts/peers.sh npm first");
    let sim = Sim::start();
    let output = Command::new("timeout")
        .args(["60", "node", "--no-deprecation"])
        .arg(root.join("tests/peers").join(script))
        .args([sim.url(), sim.key(), sim.control().to_owned()])
        .env("NODE_PATH", modules)
        .env("NODE_EXTRA_CA_CERTS", sim.path("ca.pem"))
        .env_remove("https_proxy")
        .env_remove("HTTPS_PROXY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("all calls done"), "{text}");
}

#[test]
#[ignore = "needs npm packages in target/peers (scripts/peers.sh)"]
fn every_call_of_the_npm_package_authy_client_works_against_the_simulator() {
    runs_with_npm_package("authy_client.js");
}

#[test]
#[ignore = "needs npm packages in target/peers (scripts/peers.sh)"]
fn every_call_of_the_npm_package_authy_works_against_the_simulator() {
    runs_with_npm_package("authy_node.js");
}
