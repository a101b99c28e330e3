//! Types the examples of the README, of docs/reference.md and of authyctl(8) unchanged into a
//! shell, on a host whose service is authy-sim: each does what the text next to it says.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::security_keys::SK;
use super::text;
use crate::common::rows::check_rows;
use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;
use crate::common::totp::{SECRET, oathtool};
use crate::common::{install_engine, product};

/// What an example must do.
struct Expected {
    /// The beginning of the command, without sudo.
    start: &'static str,
    status: i32,
    /// A part of the output or of the mapping afterwards.
    says: &'static str,
}

const fn done(start: &'static str, says: &'static str) -> Expected {
    Expected {
        start,
        status: 0,
        says,
    }
}

const fn refused(start: &'static str, says: &'static str) -> Expected {
    Expected {
        start,
        status: 1,
        says,
    }
}

/// What each command must do; of several that match, the one with the longest `start` counts.
const EXPECTED: [Expected; 66] = [
    done("init totp", "config.toml is written"),
    done("init twilio", "the key is accepted"),
    done(
        "enroll carol --phone",
        "codes by SMS and call to +15551234567",
    ),
    refused("enroll carol --twilio-app", "the code is wrong"),
    done("init authy", "the key belongs to the application authy-sim"),
    refused("enroll alice --totp", "the code is wrong"),
    done(
        "enroll alice --totp --output alice.png --no-check",
        "alice.png is written",
    ),
    done("totp check alice", "the clocks agree"),
    done("totp reset alice", "no code of alice was used"),
    done(
        "totp remove alice",
        "alice has no app on this host any more",
    ),
    done("totp list", "alice  /etc/pam_authy/totp.toml:2"),
    done("enroll alice --authy-id 1635", "alice = 1635"),
    done(
        "enroll alice --security-key",
        "alice is enrolled with the security key SHA256:dacTzS7N",
    ),
    refused("enroll \"$USER\" --totp", "the code is wrong"),
    done("enroll bob --email", "bob = 163"),
    done("unenroll alice", "alice is no longer enrolled"),
    done("unenroll alice --remote", "within a day"),
    done(
        "import people.csv --dry-run",
        "2 would be enrolled, 0 already enrolled, 0 failed",
    ),
    done(
        "import people.csv",
        "2 enrolled, 0 already enrolled, 0 failed",
    ),
    refused("import --homes --dry-run", "no user was enrolled"),
    done("list", "alice  1635"),
    done("migrate status", "without [authy]: 1 is locked out: alice"),
    done("list --missing", " factor"),
    done(
        "list --json",
        "{\"ok\":true,\"users\":[{\"authy_id\":1635,\"factors\":[\"authy\"],\"user\":\"alice\"}]}",
    ),
    done("status", "cellphone       XXX-XXX-0199"),
    refused("verify alice 1234567", "Token is invalid"),
    done("verify alice", "the token is valid"),
    done("sms alice", "no SMS was sent, since the person has the app"),
    done(
        "sms alice --force",
        "an SMS with a token was sent to +1-XXX-XXX-XX99",
    ),
    done(
        "call alice",
        "no call was made, since the person has the app",
    ),
    done(
        "email alice",
        "an e-mail with a token was sent to alice@example.com",
    ),
    done("push alice --message", "approved"),
    done(
        "push alice --message Deploy --no-wait",
        "is on its way to the phone",
    ),
    done("approval", "pending"),
    done("qr alice", "█"),
    done("app", "authy-sim"),
    done("stats", "January"),
    done("events", "no event"),
    done("person update", "the e-mail address is alice@example.com"),
    done("person activity", "Authy has noted it"),
    done("person number", "+15550100199"),
    done("person registration", "completed"),
    done("person delete-device", "device 77 is deleted"),
    done("phone start", "an SMS with a code was sent to 405-342-5699"),
    done("phone check", "the code is correct"),
    done("phone status", "verified"),
    done("phone info", "cellphone"),
    done("check", "users.toml is valid"),
    done("doctor", "is valid, and only root can read it"),
    done(
        "explain alice",
        "alice is enrolled with authy id 1635 (/etc/pam_authy/users.toml:2)",
    ),
    done("test", "PAM_SUCCESS (accepted)"),
    done(
        "recovery generate",
        "recovery codes of alice; each works once",
    ),
    done("recovery left", "alice has no recovery codes"),
    done("recovery remove", "alice has no recovery codes"),
    done("audit --since", ""),
    done("audit --file auth.log", "\"class_uid\":3002"),
    done("metrics", "pam_authy_config_valid 1"),
    done("metrics --quiet", "alice = 1635"),
    done("limits", "nothing is counted"),
    done("unlock alice", "alice"),
    done("forget alice", "alice"),
    done("guide", "WHAT TO DO WHEN"),
    done("completions bash", "_authyctl()"),
    done("man", ".TH authyctl 8"),
    done("index", "users.toml.index: 1 entry"),
    done("enroll deploy --ssh-key", "is enrolled with authy id 1640"),
];

/// The command lines of the README and of docs/reference.md, without comments but with `sudo`.
fn of_the_pages() -> Vec<String> {
    let pages = ["README.md", "docs/reference.md"].map(|page| fs::read_to_string(page).unwrap());
    let mut found = Vec::new();
    let mut in_code = false;
    for line in pages.iter().flat_map(|page| page.lines()).map(str::trim) {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        let command = line.split(" #").next().unwrap_or_default().trim();
        let bare = command.strip_prefix("sudo ").unwrap_or(command);
        if in_code && bare.starts_with("authyctl ") {
            found.push(command.to_owned());
        }
    }
    found
}

/// Returns the command lines of the manual page.
fn of_the_manual() -> Vec<String> {
    let page = fs::read_to_string("packaging/man/authyctl.8").unwrap();
    let part = page.split(".SH EXAMPLES\n").nth(1).unwrap();
    let part = part.split("\n.SH ").next().unwrap();
    part.lines()
        .filter_map(|line| line.strip_prefix("\\fB")?.strip_suffix("\\fR"))
        .map(|line| line.replace("\\-", "-"))
        .collect()
}

/// Sets the host up: a configuration, alice enrolled with the app on her phone, and the files that
/// the examples read.
fn install(sim: &Sim) {
    fs::create_dir_all("/etc/pam_authy").unwrap();
    fs::copy(sim.path("config.toml"), "/etc/pam_authy/config.toml").unwrap();
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions("/etc/pam_authy/config.toml", mode).unwrap();
    fs::write("/etc/pam_authy/users.toml", "[users]\nalice = 1635\n").unwrap();
    let _ = fs::remove_file("/etc/pam_authy/totp.toml");
    sim.change(
        1635,
        &json!({"registered": true, "deleted": false, "sdk_devices": [77]}),
    );
    sim.post("/phone/app", &json!({"export_enabled": true}));
    fs::write("/etc/pam.d/sudo", "@include common-auth\n").unwrap();
    let line = "verdict=refused reason=wrong_code pid=1 uid=0 peer=root user=\"alice\"";
    let line = format!("2026-11-27T12:00:00Z box pam_authy(sshd:auth)[1]: {line}\n");
    fs::write("auth.log", line).unwrap();
    let people = "user,email,cellphone\ncarl,c@x.test,405-342-5600\ndan,d@x.test,405-342-5601\n";
    fs::write("people.csv", people).unwrap();
    let state = sim.path("state");
    let _ = fs::remove_dir_all(&state);
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write("key.txt", sim.key() + "\n").unwrap();
    fs::write("id_ed25519_sk.pub", SK).unwrap();
}

/// Runs the line in a shell, and approves each push but `uuid` meanwhile.
fn shell(sim: &Sim, line: &str, input: &str, uuid: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args(["60", "sh", "-c", line]);
    command.env("USER", "alice").env("UUID", uuid);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    while line.contains(" push ") && child.try_wait().unwrap().is_none() {
        let phones = sim.get("/phone.json");
        for approval in phones["users"][0]["approvals"].as_array().unwrap() {
            if approval["status"] == "pending" && approval["uuid"] != uuid {
                let path = format!("/phone/approvals/{}", approval["uuid"].as_str().unwrap());
                sim.post(&path, &json!({"approve": true}));
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().unwrap()
}

/// Returns the standard input for an example that asks for something.
fn input(sim: &Sim, line: &str) -> String {
    if line.contains(" init twilio") {
        sim.twilio("TWILIO_HOST_SECRET")
    } else if line.contains(" init") {
        sim.key()
    } else if line.contains(" phone check") {
        let codes = sim.get("/phone.json")["verifications"].clone();
        codes[0]["code"].as_str().unwrap().to_owned()
    } else if line.contains(" totp check") {
        oathtool(SECRET, 0) + "\n"
    } else if line.contains(" --totp") || line.contains(" --twilio-app") {
        "000000\n".to_owned()
    } else if line.contains(" verify ") || line.contains(" test ") {
        sim.token(1635) + "\n"
    } else {
        String::new()
    }
}

/// Makes what the example needs, and returns the line to type.
fn prepare(sim: &Sim, example: &str, bare: &str) -> String {
    if bare.starts_with("init") {
        fs::remove_file("/etc/pam_authy/config.toml").unwrap();
    } else if bare.ends_with("--twilio-app") {
        fs::copy(sim.path("twilio-admin.toml"), "/etc/pam_authy/config.toml").unwrap();
    } else if bare.starts_with("enroll") {
        fs::write("/etc/pam_authy/users.toml", "").unwrap();
    } else if bare.starts_with("totp") {
        let secrets = format!("[totp]\nalice = {{ secret = \"{SECRET}\" }}\n");
        fs::write("/etc/pam_authy/totp.toml", secrets).unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions("/etc/pam_authy/totp.toml", mode).unwrap();
    } else if bare.starts_with("explain") {
        // It answers for the stack as it is.
        let sudo = "@include common-auth\nauth required pam_authy.so\n";
        fs::write("/etc/pam.d/sudo", sudo).unwrap();
    } else if bare.starts_with("recovery generate") {
        let _ = fs::remove_dir_all(sim.path("state"));
    }
    if !bare.starts_with("init authy") && !bare.starts_with("init twilio") {
        return example.to_owned();
    }
    // The only changes to an example: the simulator in place of the provider's own address, and its
    // service and key.
    let service = sim.twilio("TWILIO_VERIFY_SERVICE");
    let example = example.replace("VA0123456789abcdef0123456789abcdef", &service);
    let key = sim.twilio("TWILIO_HOST_KEY");
    let example = example.replace("SK0123456789abcdef0123456789abcdef", &key);
    format!(
        "{example} --url {} --ca-file {}",
        sim.url(),
        sim.path("ca.pem").display()
    )
}

#[test]
#[ignore = "needs root"]
fn each_example_of_pages_and_manual_does_what_the_text_says() {
    sandboxed!();
    let mut examples = [of_the_pages(), of_the_manual()].concat();
    // packaging::newcomer and packaging::enable run these, on a host with stacks to change, and
    // fleet::page the last one, with a directory.
    let elsewhere = ["authyctl pam ", "authyctl key ", "authyctl sync"];
    examples.retain(|line| !elsewhere.iter().any(|start| line.contains(start)));
    let sim = Sim::start();
    symlink(env!("CARGO_BIN_EXE_authyctl"), "/usr/local/sbin/authyctl").unwrap();
    fs::create_dir_all("/usr/lib/security").unwrap();
    fs::copy(product(), "/usr/lib/security/pam_authy.so").unwrap();
    install_engine();
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    install(&sim);
    let no_wait = super::run_json(
        &sim,
        &["push", "--authy-id", "1635", "--message", "x", "--no-wait"],
        "",
    );
    let uuid = no_wait.1["uuid"].as_str().unwrap().to_owned();

    check_rows(&examples, |example| {
        install(&sim);
        let bare = example
            .trim_start_matches("sudo ")
            .trim_start_matches("authyctl ");
        let expected = EXPECTED
            .iter()
            .filter(|expected| bare.starts_with(expected.start))
            .max_by_key(|expected| expected.start.len())
            .unwrap_or_else(|| panic!("nothing is expected of: {example}"));
        let line = prepare(&sim, example, bare);
        let output = shell(&sim, &line, &input(&sim, example), &uuid);
        let mut said = text(&output.stdout) + &text(&output.stderr);
        said += &fs::read_to_string("/etc/pam_authy/users.toml").unwrap();
        assert_eq!(
            output.status.code(),
            Some(expected.status),
            "{line}:\n{said}"
        );
        assert!(said.contains(expected.says), "{line}:\n{said}");
    });
}

#[test]
fn each_command_has_an_example_in_the_manual() {
    let examples = of_the_manual();
    let help = Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .arg("--help")
        .output()
        .unwrap();
    let help = text(&help.stdout);
    let commands = help.split("Commands:\n").nth(1).unwrap().lines();
    let commands: Vec<_> = commands
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    check_rows(commands, |command| {
        let start = format!("authyctl {command}");
        assert!(
            examples
                .iter()
                .any(|line| line.trim_start_matches("sudo ").starts_with(&start)),
            "{command}"
        );
    });
    assert!(of_the_pages().len() >= 15);
}
