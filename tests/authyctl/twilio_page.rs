//! docs/twilio.md, typed as it says by a stranger who has an account at Twilio: from `init twilio` to a
//! login by SMS.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::common::install_product;
use crate::common::sim::Sim;
use crate::common::terminal::Terminal;

/// The lines of authyctl in the section of the first login, without sudo.
fn lines() -> Vec<String> {
    let page = fs::read_to_string("docs/twilio.md").unwrap();
    let section = page.split("## The first login with Twilio").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().map(str::trim);
    let commands = lines.filter_map(|line| line.strip_prefix("sudo authyctl "));
    commands.map(str::to_owned).collect()
}

/// Starts a line in a terminal. What changes: the files and the address of the simulator in place of
/// the usual ones, and a user.
fn typed(sim: &Sim, line: &str, more: &[&str]) -> Terminal {
    let (config, users) = (sim.path("config.toml"), sim.path("users.toml"));
    let line = line.replace("\"$USER\"", "carol");
    let mut words = vec!["--config", config.to_str().unwrap()];
    words.extend(["--users", users.to_str().unwrap()]);
    words.extend(line.split(' '));
    words.extend(more);
    Terminal::run(Path::new(env!("CARGO_BIN_EXE_authyctl")), &words, "")
}

/// Answers a prompt. The echo is turned off a moment after a prompt is shown.
fn answer(terminal: &Terminal, prompt: &str, text: &str) {
    terminal.wait_for(prompt);
    sleep(Duration::from_millis(500));
    terminal.press(&[text, "Enter"]);
}

#[test]
fn the_page_leads_a_stranger_from_init_to_a_login_by_sms() {
    let sim = Sim::start();
    let config = fs::read_to_string(sim.path("twilio.toml")).unwrap();
    let (twilio, paths) = config.split_once("[paths]").unwrap();
    let url = twilio.split("url = \"").nth(1).unwrap();
    let url = url.split('"').next().unwrap();
    fs::write(sim.path("config.toml"), format!("[paths]{paths}")).unwrap();
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(sim.path("config.toml"), mode).unwrap();
    let lines = lines();
    let [init, enroll, test] = lines.as_slice() else {
        panic!("the page has other steps: {lines:?}");
    };

    let ca = sim.path("ca.pem");
    let where_it_is = ["--url", url, "--ca-file", ca.to_str().unwrap()];
    let terminal = typed(&sim, init, &where_it_is);
    answer(
        &terminal,
        "Verify service",
        &sim.twilio("TWILIO_VERIFY_SERVICE"),
    );
    answer(&terminal, "API key (SK", &sim.twilio("TWILIO_HOST_KEY"));
    let secret = sim.twilio("TWILIO_HOST_SECRET");
    answer(&terminal, "Secret of the API key", &secret);
    let screen = terminal.wait_for("ended with 0");
    assert!(screen.contains("the key is accepted"), "{screen}");
    assert!(!screen.contains(&secret), "{screen}");

    typed(&sim, enroll, &[]).wait_for("is enrolled with codes by SMS and call");

    let (module, engine) = install_product(sim.folder());
    let product = [
        "--module",
        module.to_str().unwrap(),
        "--engine",
        engine.to_str().unwrap(),
    ];
    let terminal = typed(&sim, test, &product);
    answer(&terminal, "Verification code (or type sms or call):", "sms");
    terminal.wait_for("An SMS with a code was sent");
    let sent = sim.get("/phone/twilio")["verifications"][0].clone();
    answer(&terminal, "was sent", sent["code"].as_str().unwrap());
    let screen = terminal.wait_for("ended with 0");
    assert!(screen.contains("PAM_SUCCESS"), "{screen}");
}
