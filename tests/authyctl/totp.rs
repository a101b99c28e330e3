//! Apps whose codes this host checks: `init totp`, `enroll --totp`, `totp …`, and the other
//! commands for people who have one. Codes are those of the real oathtool.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use pam_authy::engine::shared_words;
use pam_authy::store::totp::{Authenticator, Steps};
use serde_json::{Value, json};

use super::{authyctl, feed, make_stacks, text};
use crate::common::rows::check_rows;
use crate::common::sim::Sim;
use crate::common::terminal::Terminal;
use crate::common::totp::{SECRET, oathtool};

/// A host without any service, in a folder of its own.
pub(super) struct Host(tempfile::TempDir);

impl Host {
    pub(super) fn new() -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        let state = host.path("state");
        let config = format!("[paths]\nstate = \"{}\"\n", state.display());
        host.write("config.toml", &config, 0o600);
        host
    }
    /// A host where bob has an app.
    fn with_bob() -> Self {
        let host = Self::new();
        let input = format!("{SECRET}\n");
        let (status, answer) = host.run_json(
            &["enroll", "bob", "--totp", "--secret", "-", "--no-check"],
            &input,
        );
        assert_eq!(status, 0, "{answer}");
        host
    }
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    pub(super) fn write(&self, name: &str, content: &str, mode: u32) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    pub(super) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
    fn run(&self, arguments: &[&str], input: &str) -> std::process::Output {
        let mut command = authyctl();
        command.arg("--config").arg(self.path("config.toml"));
        command.arg("--users").arg(self.path("users.toml"));
        feed(
            {
                command.args(arguments);
                command
            },
            input,
        )
    }
    pub(super) fn run_json(&self, arguments: &[&str], input: &str) -> (i32, Value) {
        let output = self.run(&[arguments, &["--json"]].concat(), input);
        let text = text(&output.stdout);
        let answer = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        (output.status.code().unwrap(), answer)
    }
    fn last(&self, secret: &str) -> Option<u64> {
        let app = Authenticator::from_base32(secret).unwrap();
        let steps = Steps::new(&self.path("state"), shared_words::map);
        steps.last(app.id()).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_totp_writes_a_configuration_without_a_service_and_leaves_an_existing_one() {
    let host = Host::new();
    let before = host.text("config.toml");
    let (status, answer) = host.run_json(&["init", "totp"], "");
    assert_eq!((status, &answer["changed"]), (0, &json!(false)), "{answer}");
    assert_eq!(host.text("config.toml"), before);

    fs::remove_file(host.path("config.toml")).unwrap();
    let (status, answer) = host.run_json(&["init", "totp"], "");
    assert_eq!((status, &answer["changed"]), (0, &json!(true)), "{answer}");
    let written = host.text("config.toml");
    assert!(written.contains("\n#[authy]\n") && written.contains("\n[login]\n"));
    assert_eq!(mode(&host.path("config.toml")), 0o600);
    let (status, answer) = host.run_json(&["app"], "");
    assert_eq!(status, 4, "{answer}");
}

#[test]
fn init_without_a_factor_asks_on_a_terminal_only() {
    let host = Host::new();
    fs::remove_file(host.path("config.toml")).unwrap();
    let (status, answer) = host.run_json(&["init"], "totp\n");
    assert_eq!((status, &answer["error"]["kind"]), (2, &json!("usage")));
    for arguments in [
        &["init", "totp", "--force"][..],
        &["init", "totp", "--url", "https://127.0.0.1:1"],
    ] {
        assert_eq!(host.run_json(arguments, "").0, 2);
    }

    let config = host.path("config.toml");
    let terminal = Terminal::run(
        Path::new(env!("CARGO_BIN_EXE_authyctl")),
        &["--config", config.to_str().unwrap(), "init"],
        "",
    );
    terminal.wait_for("Which second factor?");
    terminal.press(&["totp", "Enter"]);
    terminal.wait_for("ended with 0");
    assert!(config.exists());
}

#[test]
fn init_authy_adds_its_table_and_keeps_everything_else() {
    let sim = Sim::start();
    let host = Host::new();
    let before = host.text("config.toml") + "\n[login]\nattempts = 2 # few\n";
    host.write("config.toml", &before, 0o600);
    let (ca, url) = (sim.path("ca.pem"), sim.url());
    let init = |more: &[&str]| {
        let start = ["init", "authy", "--url", &url, "--ca-file"];
        let all = [&start[..], &[ca.to_str().unwrap()], more].concat();
        host.run_json(&all, &(sim.key() + "\n"))
    };

    let (status, answer) = init(&[]);
    assert_eq!(
        (status, &answer["app"]["name"]),
        (0, &json!("authy-sim")),
        "{answer}"
    );
    let written = host.text("config.toml");
    assert!(written.starts_with(&before), "{written}");
    assert_eq!(host.run_json(&["app"], "").0, 0);
    assert_eq!(init(&[]).0, 4, "a key that is there is not replaced");
    assert_eq!(init(&["--force"]).0, 0);
    assert_eq!(host.text("config.toml"), written);
}

#[test]
fn enroll_makes_a_secret_of_160_bits_and_shows_it_once() {
    let host = Host::new();
    let enroll = ["enroll", "bob", "--totp", "--no-check"];
    let (status, answer) = host.run_json(&enroll, "");
    assert_eq!((status, &answer["changed"]), (0, &json!(true)), "{answer}");
    let secret = answer["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    let uri = answer["uri"].as_str().unwrap();
    assert!(
        uri.starts_with("otpauth://totp/")
            && uri.contains(&format!(":bob?secret={secret}&issuer=")),
        "{uri}"
    );
    assert!(host.text("users.toml").ends_with("bob = { totp = true }\n"));
    assert!(
        host.text("totp.toml")
            .ends_with(&format!("bob = {{ secret = \"{secret}\" }}\n"))
    );
    assert_eq!(mode(&host.path("totp.toml")), 0o600);

    let (status, again) = host.run_json(&enroll, "");
    assert_eq!((status, &again["error"]["kind"]), (1, &json!("refused")));
    let (_, replaced) = host.run_json(&[&enroll[..], &["--replace"]].concat(), "");
    assert_ne!(replaced["secret"], answer["secret"]);
    for arguments in [
        &["list"][..],
        &["totp", "list"],
        &["status", "bob"],
        &["explain", "bob"],
        &["doctor"],
        &["list", "--json"],
        &["totp", "list", "--json"],
    ] {
        let output = host.run(arguments, "");
        let said = text(&output.stdout) + &text(&output.stderr);
        let secret = replaced["secret"].as_str().unwrap();
        assert!(
            !said.contains(secret) && !said.is_empty(),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn json_and_quiet_need_another_way_to_know_the_secret_and_the_code() {
    let host = Host::new();
    check_rows(
        [
            &["enroll", "bob", "--totp", "--json"][..],
            &["enroll", "bob", "--totp", "--quiet", "--no-check"],
            &["enroll", "bob", "--totp", "--authy-id", "5"],
            &["enroll", "bob", "--no-check", "--authy-id", "5"],
            &["enroll", "bob", "--totp", "--secret"],
        ],
        |arguments| assert_eq!(host.run(arguments, "").status.code(), Some(2)),
    );
    assert!(!host.path("totp.toml").exists());
}

#[test]
fn the_first_code_is_checked_and_used_up() {
    let host = Host::new();
    let enroll = |secret: &str, code: &str| {
        let arguments = ["enroll", "bob", "--totp", "--secret", "-"];
        host.run_json(&arguments, &format!("{secret}\n{code}\n"))
    };
    let (status, answer) = enroll(SECRET, "000000");
    assert_eq!((status, &answer["error"]["kind"]), (1, &json!("refused")));
    let (status, late) = enroll(SECRET, &oathtool(SECRET, -300));
    let message = late["error"]["message"].as_str().unwrap();
    assert!(status == 1 && message.contains("300 s behind"), "{late}");
    assert!(!host.path("totp.toml").exists() && !host.path("users.toml").exists());

    let code = oathtool(SECRET, 0);
    let (status, answer) = enroll(&SECRET.to_lowercase(), &code);
    assert_eq!((status, &answer["changed"]), (0, &json!(true)), "{answer}");
    assert!(host.last(SECRET).is_some(), "the code was not used up");
    let (status, answer) = enroll(SECRET, "");
    assert_eq!((status, &answer["changed"]), (0, &json!(false)), "{answer}");
}

#[test]
fn a_secret_that_cannot_be_used_is_refused_and_not_quoted() {
    let host = Host::new();
    let long = "A".repeat(5000);
    check_rows(
        [
            "",
            "ABC",
            "0189018901890189",
            &long,
            "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ",
        ],
        |secret| {
            let arguments = ["enroll", "bob", "--totp", "--secret", "-", "--no-check"];
            let (status, answer) = host.run_json(&arguments, &format!("{secret}\n"));
            assert_eq!((status, &answer["error"]["kind"]), (2, &json!("usage")));
            let said = answer.to_string();
            assert!(secret.is_empty() || !said.contains(secret), "{said}");
        },
    );
    let output = host.run(&["enroll", "bob", "--totp", "--secret", SECRET], "");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(
        output.status.code() == Some(2) && !said.contains(SECRET),
        "{said}"
    );
    assert!(!host.path("totp.toml").exists());
}

/// The text of a QR code whose light modules are drawn in half blocks.
fn read_drawn(lines: &[&str]) -> String {
    let width = lines[0].chars().count();
    let is_light = |x: usize, y: usize| {
        let c = lines[y / 2].chars().nth(x).unwrap();
        c == '█' || (c == '▀' && y.is_multiple_of(2)) || (c == '▄' && y % 2 == 1)
    };
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width * 4, lines.len() * 8, |x, y| {
            if is_light(x / 4, y / 4) { 255 } else { 0 }
        });
    image.detect_grids()[0].decode().unwrap().1
}

#[test]
fn the_qr_code_of_terminal_and_image_is_the_address() {
    let host = Host::new();
    let output = host.run(&["enroll", "bob", "--totp", "--no-check"], "");
    let said = text(&output.stdout);
    let drawn: Vec<_> = said
        .lines()
        .take_while(|line| !line.contains("scan"))
        .collect();
    let uri = read_drawn(&drawn);
    let secret = uri
        .split("secret=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    assert!(host.text("totp.toml").contains(&format!("\"{secret}\"")));
    let groups: Vec<String> = secret.as_bytes().chunks(4).map(text).collect();
    assert!(said.contains(&groups.join(" ")), "{said}");

    let file = host.path("kim.png");
    let name = file.to_str().unwrap();
    let arguments = ["enroll", "kim", "--totp", "--no-check", "--output", name];
    let (status, answer) = host.run_json(&arguments, "");
    assert_eq!((status, mode(&file)), (0, 0o600), "{answer}");
    let mut reader = png::Decoder::new(std::io::Cursor::new(fs::read(&file).unwrap()))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let decoded = image.detect_grids()[0].decode().unwrap().1;
    assert_eq!(json!(decoded), answer["uri"]);
    let (status, _) = host.run_json(&[&arguments[..], &["--replace"]].concat(), "");
    assert_eq!(status, 4, "an existing file is not overwritten");
}

#[test]
fn enroll_asks_for_the_first_code_again_after_a_wrong_one() {
    let host = Host::new();
    let (config, users) = (host.path("config.toml"), host.path("users.toml"));
    let files = [
        "--config",
        config.to_str().unwrap(),
        "--users",
        users.to_str().unwrap(),
    ];
    let terminal = Terminal::run(
        Path::new(env!("CARGO_BIN_EXE_authyctl")),
        &[&files[..], &["enroll", "bob", "--totp"]].concat(),
        "",
    );
    let screen = terminal.wait_for("First code of the app:");
    let typed = screen.lines().find(|line| {
        let groups = line.split_whitespace();
        groups.clone().count() == 8 && groups.clone().all(|group| group.len() == 4)
    });
    let secret = typed.unwrap().replace(' ', "");
    terminal.press(&["000000", "Enter"]);
    terminal.wait_for("the code is wrong");
    terminal.press(&[&oathtool(&secret, 0), "Enter"]);
    terminal.wait_for("ended with 0");
    assert!(host.text("totp.toml").contains(&secret));
}

#[test]
fn check_says_how_far_the_clocks_differ_and_uses_nothing_up() {
    let host = Host::with_bob();
    let check = |code: &str| host.run_json(&["totp", "check", "bob", code], "");
    check_rows(
        [
            (0, 0),
            (30, 0),
            (-30, 0),
            (60, 1),
            (-60, 1),
            (570, 1),
            (-570, 1),
        ],
        |(ahead, expected)| {
            let (status, answer) = check(&oathtool(SECRET, ahead));
            assert_eq!(
                (status, &answer["offset_seconds"]),
                (expected, &json!(ahead)),
                "{answer}"
            );
        },
    );
    let (status, answer) = check(&oathtool(SECRET, 3600));
    assert_eq!((status, &answer["error"]["kind"]), (1, &json!("refused")));
    assert_eq!(check("1234567").0, 1);
    assert_eq!(check("12").0, 2);
    assert_eq!(host.last(SECRET), None);
    assert_eq!(host.run_json(&["totp", "check", "kim", "123456"], "").0, 4);
}

#[test]
fn a_last_code_ahead_of_the_clock_is_named_until_it_is_reset() {
    let host = Host::with_bob();
    let app = Authenticator::from_base32(SECRET).unwrap();
    let steps = Steps::new(&host.path("state"), shared_words::map);
    steps.record(app.id(), &[4_000_000_000]).unwrap();

    let (status, answer) = host.run_json(&["totp", "check", "bob", &oathtool(SECRET, 0)], "");
    let warning = answer["warning"].as_str().unwrap();
    assert!(
        status == 0 && warning.contains("ahead of this host's clock"),
        "{answer}"
    );
    let doctor = text(&host.run(&["doctor"], "").stdout);
    assert!(
        doctor.contains("warning  the last code accepted for totp=\"bob\" is"),
        "{doctor}"
    );
    let (status, answer) = host.run_json(&["totp", "reset", "bob"], "");
    assert_eq!((status, &answer["changed"]), (0, &json!(true)));
    assert_eq!(
        host.run_json(&["totp", "reset", "bob"], "").1["changed"],
        json!(false)
    );
    assert_eq!(host.last(SECRET), None);
}

#[test]
fn an_app_is_taken_away_from_a_user_who_has_another_factor() {
    let host = Host::with_bob();
    let (status, answer) = host.run_json(&["totp", "remove", "bob"], "");
    assert_eq!(
        (status, &answer["error"]["kind"]),
        (1, &json!("refused")),
        "{answer}"
    );
    assert_eq!(
        host.run_json(&["enroll", "bob", "--authy-id", "5"], "").0,
        0
    );
    let app = Authenticator::from_base32(SECRET).unwrap();
    let steps = Steps::new(&host.path("state"), shared_words::map);
    steps.record(app.id(), &[60]).unwrap();

    assert_eq!(host.run_json(&["totp", "remove", "bob"], "").0, 0);

    assert!(
        host.text("users.toml")
            .ends_with("bob = { authy_id = 5 }\n")
    );
    assert!(!host.text("totp.toml").contains("bob"));
    assert_eq!(host.last(SECRET), None);
    assert_eq!(host.run_json(&["totp", "remove", "bob"], "").0, 4);
}

#[test]
fn unenroll_ends_secret_and_last_step_but_not_those_of_another_name() {
    let host = Host::with_bob();
    let kim = ["enroll", "kim", "--totp", "--secret", "-", "--no-check"];
    assert_eq!(host.run_json(&kim, &format!("{SECRET}\n")).0, 0);
    let app = Authenticator::from_base32(SECRET).unwrap();
    let steps = Steps::new(&host.path("state"), shared_words::map);
    steps.record(app.id(), &[60]).unwrap();

    assert_eq!(host.run_json(&["unenroll", "bob"], "").0, 0);
    assert!(!host.text("totp.toml").contains("bob"));
    assert_eq!(
        host.last(SECRET),
        Some(60),
        "kim's codes could be used again"
    );
    assert_eq!(host.run_json(&["unenroll", "kim"], "").0, 0);
    assert_eq!(host.last(SECRET), None);
    assert_eq!(host.run_json(&["totp", "list"], "").1["secrets"], json!([]));
}

#[test]
fn list_status_and_explain_know_a_person_with_an_app() {
    let host = Host::with_bob();
    let (_, list) = host.run_json(&["list"], "");
    assert_eq!(list["users"], json!([{"user": "bob", "factors": ["totp"]}]));
    let (status, answer) = host.run_json(&["status", "bob"], "");
    assert_eq!(
        (status, &answer["factors"]),
        (0, &json!(["totp"])),
        "{answer}"
    );
    let folder = host.path("pam.d");
    make_stacks(&folder);
    let explain = ["explain", "bob", "--pam-dir", folder.to_str().unwrap()];
    let (_, explained) = host.run_json(&explain, "");
    assert_eq!(
        explained["reason"],
        "bob is enrolled with an app whose codes this host checks"
    );
    let (_, secrets) = host.run_json(&["totp", "list"], "");
    let file = host.path("totp.toml");
    assert_eq!(
        secrets["secrets"],
        json!([{"user": "bob", "file": file, "line": 4, "used": true, "digits": 6, "period": 30, "algorithm": "SHA1"}])
    );
    fs::remove_file(&file).unwrap();
    let (_, explained) = host.run_json(&explain, "");
    let reason = explained["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("every login of bob is refused: "),
        "{reason}"
    );
}

#[test]
fn doctor_names_secrets_that_are_missing_or_that_no_one_uses() {
    let host = Host::with_bob();
    let totp = |host: &Host| {
        let (_, answer) = host.run_json(&["doctor"], "");
        let checks = answer["checks"].as_array().unwrap().clone();
        let of_totp = checks.into_iter().filter(|check| check["name"] == "totp");
        of_totp
            .map(|check| {
                format!(
                    "{} {}",
                    check["result"].as_str().unwrap(),
                    check["message"].as_str().unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    assert!(totp(&host)[0].starts_with("ok "));
    host.write("users.toml", "[users]\nkim = { totp = true }\n", 0o644);
    let said = totp(&host);
    assert!(
        said[0].starts_with("problem ") && said[0].contains("kim has no secret there"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("warning ") && said[1].contains("the secret of bob"),
        "{said:?}"
    );
    host.write("totp.toml", &host.text("totp.toml"), 0o640);
    let said = totp(&host);
    assert!(
        said[0].starts_with("problem ") && said[0].contains("group or others"),
        "{said:?}"
    );
}

#[test]
fn index_checks_the_secrets_too_and_writes_their_index() {
    let host = Host::with_bob();
    let index = host.path("totp.toml.index");
    fs::remove_file(&index).unwrap();
    let (status, answer) = host.run_json(&["index"], "");
    assert_eq!(
        (status, &answer["totp"]),
        (0, &json!({"path": index, "entries": 1})),
        "{answer}"
    );
    assert_eq!(mode(&index), 0o600);
    host.write("totp.toml", "[totp]\njane.doe = {}\n", 0o600);
    let (status, answer) = host.run_json(&["index"], "");
    assert_eq!(status, 4, "{answer}");
}
