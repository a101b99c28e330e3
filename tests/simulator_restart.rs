//! A simulator that starts again with the folder of an earlier one, and where it listens.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::sandbox::sandboxed;
use crate::common::sim::Sim;
use crate::common::totp::SECRET;

/// Sends a request to the API by curl and returns the answer.
fn ask(sim: &Sim, method: &str, path: &str) -> Value {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "5", "--request", method])
        .arg("--cacert")
        .arg(sim.path("ca.pem"))
        .args(["--header", &format!("X-Authy-API-Key: {}", sim.key())])
        .arg(format!("{}{path}", sim.url()))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn verify(sim: &Sim, code: &str) -> Value {
    let path = format!("/protected/json/verify/{code}/1635?force=true");
    ask(sim, "GET", &path)["error_code"].clone()
}

/// Returns the person 1635 as the phone shows them.
fn person(sim: &Sim) -> Value {
    sim.get("/phone.json")["users"][0].clone()
}

#[test]
fn a_killed_simulator_continues_with_its_people_pushes_and_codes() {
    let mut sim = Sim::start();
    sim.change(1635, &json!({"registered": true}));
    sim.post("/phone/app", &json!({"export_enabled": true}));
    let app = json!({"name": "gate", "secret": SECRET});
    sim.post("/phone/apps", &app);
    let (used, unused) = (sim.token(1635), sim.token(1635));
    assert!(verify(&sim, &used).is_null());
    let push = "/onetouch/json/users/1635/approval_requests?message=Hello";
    let push = ask(&sim, "POST", push)["approval_request"]["uuid"].clone();
    let number = "country_code=1&phone_number=5550100142";
    let verification = "/protected/json/phones/verification";
    ask(&sim, "POST", &format!("{verification}/start?{number}"));
    let before = sim.get("/phone.json");
    let key = sim.key();

    sim.restart(&[]);

    assert_eq!(sim.key(), key);
    let after = sim.get("/phone.json");
    for member in ["email", "registered", "confirmed", "inbox"] {
        assert_eq!(after["users"][0][member], before["users"][0][member]);
    }
    assert_eq!(after["verifications"], before["verifications"]);
    assert_eq!(after["apps"][0]["name"], "gate");
    assert_eq!(verify(&sim, &used), "60019");
    assert!(verify(&sim, &unused).is_null());
    assert_eq!(sim.decide(1635, true)["uuid"], push);
    let path = format!(
        "/onetouch/json/approval_requests/{}",
        push.as_str().unwrap()
    );
    assert_eq!(
        ask(&sim, "GET", &path)["approval_request"]["status"],
        "approved"
    );
    let exported = ask(&sim, "GET", "/protected/json/users/1635/phone_number");
    assert_eq!(exported["e164"], "+15550100199");
}

/// Clients that match the text of an answer need the order of its members.
#[test]
fn the_details_of_a_push_keep_the_order_of_the_request_over_a_restart() {
    let mut sim = Sim::start();
    sim.change(1635, &json!({"registered": true}));
    let path = "/onetouch/json/users/1635/approval_requests?message=Hello\
                &details%5BUser%5D=u&details%5BHost%5D=h&details%5BAddress%5D=a\
                &hidden_details%5Bz%5D=1&hidden_details%5Bb%5D=2";
    assert_eq!(ask(&sim, "POST", path)["success"], true);
    let shown = |sim: &Sim| {
        let url = format!("{}/phone.json", sim.control());
        let output = Command::new("curl").args(["--silent", &url]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let details = r#""details":{"User":"u","Host":"h","Address":"a"}"#;
    let hidden = r#""hidden_details":{"z":"1","b":"2"}"#;
    for _ in 0..2 {
        let text = shown(&sim);
        assert!(text.contains(details) && text.contains(hidden), "{text}");
        sim.restart(&[]);
    }
}

#[test]
fn of_a_config_toml_that_is_there_only_the_address_changes() {
    let mut sim = Sim::start();
    let config = fs::read_to_string(sim.path("config.toml")).unwrap();
    let mine = format!("# my settings\n{config}\n[login]\nattempts = 1\n");
    fs::write(sim.path("config.toml"), &mine).unwrap();
    fs::write(sim.path("users.toml"), "[users]\nalice = 1635\n").unwrap();
    let old = sim.url();

    sim.restart(&[]);

    let expected = mine.replace(&old, &sim.url());
    assert_eq!(
        fs::read_to_string(sim.path("config.toml")).unwrap(),
        expected
    );
    let users = fs::read_to_string(sim.path("users.toml")).unwrap();
    assert_eq!(users, "[users]\nalice = 1635\n");
    assert_eq!(
        ask(&sim, "GET", "/protected/json/app/details")["success"],
        true
    );
}

#[test]
fn a_damaged_state_is_refused_and_left_as_it_is() {
    let sim = Sim::start();
    let folder = sim.folder().to_owned();
    let copy = tempfile::tempdir().unwrap();
    for name in [
        "ca.pem",
        "ca.key",
        "server.pem",
        "server.key",
        "config.toml",
    ] {
        fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    let damaged = "{\"part\":\"key\",\"value\":\"x\"}\n{\"part\":\"person 1\",\"value\":{}}\n";
    fs::write(copy.path().join("state.jsonl"), damaged).unwrap();

    let output = Command::new(env!("CARGO_BIN_EXE_authy-sim"))
        .args(["--stop-after", "5", "--dir"])
        .arg(copy.path())
        .output()
        .unwrap();

    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("state.jsonl, line 2"), "{said}");
    assert!(!output.status.success(), "{said}");
    let left = fs::read_to_string(copy.path().join("state.jsonl")).unwrap();
    assert_eq!(left, damaged);
}

/// As after a kill in the middle of a write, whose request got no answer.
#[test]
fn a_last_line_without_its_end_is_left_out_of_the_state() {
    let mut sim = Sim::start();
    let state = sim.path("state.jsonl");
    let text = fs::read_to_string(&state).unwrap();
    fs::write(&state, text + "{\"part\":\"person 1635\",\"val").unwrap();

    sim.restart(&[]);

    assert_eq!(person(&sim)["email"], "alice@example.com");
    sim.change(1635, &json!({"registered": true}));
    sim.restart(&[]);
    assert_eq!(person(&sim)["registered"], true);
}

/// Each request writes what it has changed, not all that there is.
#[test]
fn a_change_of_one_person_writes_that_person_alone() {
    let mut sim = Sim::start();
    for n in 0..50 {
        let cellphone = format!("5550100{n:03}");
        sim.post("/phone/users", &json!({"cellphone": cellphone}));
    }
    let size = |sim: &Sim| fs::metadata(sim.path("state.jsonl")).unwrap().len();
    let before = size(&sim);

    sim.get("/phone.json");
    assert_eq!(size(&sim), before, "reading writes nothing");
    sim.change(1635, &json!({"registered": true}));
    let grown = size(&sim) - before;
    assert!((1..2000).contains(&grown), "{grown} bytes");

    sim.restart(&[]);
    assert!(size(&sim) < before + 100, "one line for each part");
    assert_eq!(person(&sim)["registered"], true);
}

#[test]
fn phones_and_faults_are_at_the_control_address_that_was_asked_for() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let mut sim = Sim::start_with(&["--control", &address]);
    assert_eq!(sim.control(), format!("http://{address}"));

    sim.restart(&["--control", &address]);
    assert_eq!(sim.get("/phone.json")["users"][0]["authy_id"], 1635);

    let output = Command::new(env!("CARGO_BIN_EXE_authy-sim"))
        .args(["--control", "0.0.0.0:0"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("0.0.0.0:0 is not a loopback address"),
        "{said}"
    );
}

/// The network has no IPv4 address, not even on loopback.
#[test]
#[ignore = "needs root"]
fn a_machine_with_ipv6_alone_has_api_phone_and_slow_handshakes() {
    sandboxed!();
    let script = r#"
        ip link set lo up && ip addr del 127.0.0.1/8 dev lo && cd "$2" || exit 1
        "$1" --listen '[::1]:0' --dir "$2" --stop-after 20 --with-parent >url &
        until grep -q https url; do sleep 0.1; done
        curl -sg --cacert ca.pem -H "X-Authy-API-Key: $(sed -n 's/^key = "\(.*\)"/\1/p' config.toml)" \
            "$(cat url)/protected/json/app/details"
        curl -sg "$(cat control.url)/phone.json"
        curl -sg -d '{"listener":"slow_handshake"}' "$(cat control.url)/faults"
        curl -sg --cacert ca.pem --max-time 0.5 -o /dev/null -w '%{exitcode}' "$(cat url)/"
        kill $!
    "#;
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["30", "unshare", "--net", "sh", "-c", script, "sh"])
        .arg(env!("CARGO_BIN_EXE_authy-sim"))
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Application information."), "{text}");
    assert!(text.contains(r#""users":[]"#), "{text}");
    // 28 is a timeout: the handshake has begun, and takes longer.
    assert!(text.ends_with("{\"armed\":true}28"), "{text}");
}
