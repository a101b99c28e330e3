//! The connection that is opened while the prompt waits for the person: what it sends, who gets
//! one, and what happens to it when the service or the person is slow.

use std::process::Command;
use std::time::{Duration, Instant};

use pam_authy::pam_app::{Style, Transaction, write_stack};
use serde_json::json;

use crate::common::host::Host;
use crate::common::relay::Relay;
use crate::common::rows::check_rows;
use crate::common::test_name;

/// Logs `user` in; `reply` is called at each prompt. Returns the PAM code and the time since the
/// last reply.
fn login(
    host: &Host,
    user: &str,
    mut reply: impl FnMut() -> Option<String>,
) -> (&'static str, Duration) {
    let stack = tempfile::tempdir().unwrap();
    write_stack(stack.path(), "sshd", &[host.line()]).unwrap();
    let mut entered = Instant::now();
    let mut answer = |style: Style, _: &str| {
        let reply = matches!(style, Style::PromptEchoOn | Style::PromptEchoOff).then(&mut reply);
        entered = Instant::now();
        reply.flatten()
    };
    let code = Transaction::start("sshd", user, stack.path(), &mut answer)
        .unwrap()
        .authenticate()
        .name();
    (code, entered.elapsed())
}

/// A host that reaches the service through a `Relay`, which delays each direction by `one_way`.
fn host_behind_relay(more: &str, one_way: Duration) -> (Host, Relay) {
    let host = Host::with(more);
    let port = host.sim.url().rsplit(':').next().unwrap().parse().unwrap();
    let relay = Relay::start(port, one_way);
    let config = std::fs::read_to_string(&host.config).unwrap();
    let config = config.replace(&format!(":{port}\""), &format!(":{}\"", relay.port));
    assert!(config.contains(&relay.port.to_string()));
    std::fs::write(&host.config, config).unwrap();
    (host, relay)
}

const QUICK: &str = "[login]\nrefusal_seconds = 0\n";

/// Turns the warm-up off.
fn turn_off(host: &Host) {
    let config = std::fs::read_to_string(&host.config).unwrap();
    std::fs::write(
        &host.config,
        config.replace("[authy]\n", "[authy]\nwarm_up = false\n"),
    )
    .unwrap();
}

/// Waits until `condition` is true; fails after five seconds.
fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(5), "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn handshakes(host: &Host) -> u64 {
    host.sim.get("/requests.json")["handshakes"]
        .as_u64()
        .unwrap()
}

#[test]
fn one_connection_is_open_at_the_prompt_and_carries_the_one_request() {
    let (host, relay) = host_behind_relay(QUICK, Duration::ZERO);
    let token = host.sim.token(1635);
    let (code, _) = login(&host, "alice", || {
        wait_until(|| handshakes(&host) == 1);
        std::thread::sleep(Duration::from_millis(100));
        assert!(host.sim.requests().is_empty(), "no HTTP before Enter");
        // The TLS handshake of a client without a certificate takes less; a request would not fit.
        assert!(relay.sent() < 1000, "{} bytes", relay.sent());
        Some(token.clone())
    });

    assert_eq!(code, "PAM_SUCCESS");
    assert_eq!((relay.connections(), host.sim.requests().len()), (1, 1));
}

#[test]
fn three_tries_take_one_connection() {
    let (host, relay) = host_behind_relay(QUICK, Duration::ZERO);
    let (code, _) = login(&host, "alice", || Some("1111111".into()));

    assert_eq!(code, "PAM_MAXTRIES");
    assert_eq!((relay.connections(), host.sim.requests().len()), (1, 3));
}

#[test]
fn enter_waits_for_one_round_trip_alone() {
    let round_trip = Duration::from_millis(400);
    let (host, _relay) = host_behind_relay(QUICK, round_trip / 2);
    let token = host.sim.token(1635);
    let (code, took) = login(&host, "alice", || {
        wait_until(|| handshakes(&host) == 1);
        std::thread::sleep(round_trip);
        Some(token.clone())
    });

    assert_eq!(code, "PAM_SUCCESS");
    // Two round trips would take 800 ms; the rest is for a busy machine.
    assert!(took >= round_trip && took < round_trip * 7 / 4, "{took:?}");
}

#[test]
fn the_unenrolled_open_a_connection_too_and_send_nothing() {
    let host = Host::new();
    let (code, _) = login(&host, "mallory", || {
        wait_until(|| handshakes(&host) == 1);
        Some("1111111".into())
    });

    assert_eq!(code, "PAM_MAXTRIES");
    assert!(host.sim.requests().is_empty());
}

#[test]
fn with_warm_up_false_nothing_is_opened_before_enter() {
    let (host, relay) = host_behind_relay(QUICK, Duration::ZERO);
    turn_off(&host);
    let token = host.sim.token(1635);
    let (code, _) = login(&host, "alice", || {
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(relay.connections(), 0);
        Some(token.clone())
    });

    assert_eq!(code, "PAM_SUCCESS");
    assert_eq!(relay.connections(), 1);
}

#[test]
fn a_connection_that_was_closed_at_the_prompt_is_opened_again_and_the_request_sent_once() {
    let (host, relay) = host_behind_relay(QUICK, Duration::ZERO);
    let token = host.sim.token(1635);
    let (code, _) = login(&host, "alice", || {
        wait_until(|| handshakes(&host) == 1);
        relay.close_all();
        std::thread::sleep(Duration::from_millis(50));
        Some(token.clone())
    });

    assert_eq!(code, "PAM_SUCCESS");
    assert_eq!((relay.connections(), host.sim.requests().len()), (2, 1));
}

#[test]
fn a_service_that_is_dead_at_the_prompt_and_alive_at_enter_logs_in() {
    check_rows(["close", "reset", "garbage"], |fault| {
        let host = Host::new();
        host.sim.fault(&json!({"listener": fault, "times": 1}));
        let token = host.sim.token(1635);
        let (code, _) = login(&host, "alice", || {
            std::thread::sleep(Duration::from_millis(200));
            Some(token.clone())
        });
        assert_eq!(code, "PAM_SUCCESS", "{fault}");
    });
}

#[test]
fn an_untrusted_certificate_gets_no_byte_and_denies_when_it_is_still_there_at_enter() {
    let host =
        Host::with("[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\n");
    host.sim
        .fault(&json!({"certificate": "wrong-ca", "times": 0}));
    let (code, _) = login(&host, "alice", || {
        std::thread::sleep(Duration::from_millis(300));
        Some("1234567".into())
    });

    assert_eq!(code, "PAM_AUTHINFO_UNAVAIL");
    assert!(host.audit()[0].contains("reason=false_identity"));
    let all = host.sim.get("/requests.json");
    assert_eq!(
        (&all["handshakes"], host.sim.requests().len()),
        (&json!(0), 0)
    );
    assert_eq!(all["connections"], 2, "once at the prompt, once at Enter");
}

#[test]
fn a_silent_service_delays_a_failed_conversation_by_three_seconds_at_most() {
    let host = Host::new();
    host.sim.fault(&json!({"listener": "silent", "times": 0}));
    let start = Instant::now();
    let (code, _) = login(&host, "alice", || None);

    assert_eq!(code, "PAM_CONV_ERR");
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

/// A person who presses Enter just when the server closes the idle connection must not cause an
/// outage by that.
#[test]
fn a_connection_that_breaks_after_it_waited_is_no_outage_while_the_service_answers() {
    let host =
        Host::with("[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\n");
    host.sim
        .fault(&json!({"match": {"path": "/verify/"}, "reset": true, "times": 1}));
    let (code, _) = login(&host, "alice", || {
        std::thread::sleep(Duration::from_millis(4300));
        Some("1234567".into())
    });

    assert_eq!(code, "PAM_SERVICE_ERR", "{}", host.log());
    assert!(host.audit()[0].contains("verdict=error reason=process"));
    assert_eq!(host.sim.count("/verify/"), 1, "a verify is never repeated");

    let host =
        Host::with("[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\n");
    host.sim.fault(&json!({"reset": true, "times": 0}));
    let (code, _) = login(&host, "alice", || {
        std::thread::sleep(Duration::from_millis(4300));
        Some("1234567".into())
    });
    assert_eq!(code, "PAM_PERM_DENIED", "an outage: {}", host.log());
    assert!(host.audit()[0].contains("verdict=ignored reason=outage"));
}

/// Seen without a warm-up: that the first request had opened the connection was remembered for the
/// second one, which then counted as one on a new connection.
#[test]
fn a_connection_of_the_request_before_that_breaks_is_no_outage_while_the_service_answers() {
    let host =
        Host::with("[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\n");
    turn_off(&host);
    let mut replies = 0;
    let (code, _) = login(&host, "alice", || {
        replies += 1;
        if replies == 2 {
            std::thread::sleep(Duration::from_millis(4300));
            let reset = json!({"match": {"path": "/verify/"}, "reset": true, "times": 1});
            host.sim.fault(&reset);
        }
        Some("1234567".into())
    });

    assert_eq!((code, replies), ("PAM_SERVICE_ERR", 2), "{}", host.log());
    let audit = host.audit();
    assert!(audit[0].contains("verdict=refused reason=wrong_code"));
    assert!(audit[1].contains("verdict=error reason=process"));
}

/// Some servers send 408 when they close an idle connection. That looks like the answer to a
/// request that has just been sent.
#[test]
fn a_408_on_a_connection_that_waited_is_no_outage_while_the_service_answers() {
    let host =
        Host::with("[login]\nrefusal_seconds = 0\n[service.sshd]\nwhen_unavailable = \"ignore\"\n");
    let fault = json!({"match": {"path": "/verify/"}, "status": 408, "times": 1, "body": "<html>"});
    host.sim.fault(&fault);
    let (code, _) = login(&host, "alice", || {
        std::thread::sleep(Duration::from_millis(4300));
        Some("1111111".into())
    });
    assert_eq!(code, "PAM_SERVICE_ERR", "{:?}", host.log());
    assert_eq!(host.sim.count("/verify/"), 1, "asked once");
}

#[test]
fn after_a_login_no_thread_and_no_descriptor_is_left() {
    const ALONE: &str = "PAM_AUTHY_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        // Other tests have threads and descriptors in this process, so this test runs in a process
        // of its own.
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test_name!()])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
        return;
    }
    let count = |what: &str| {
        std::fs::read_dir(format!("/proc/self/{what}"))
            .unwrap()
            .count()
    };
    let host = Host::with("[login]\nrefusal_seconds = 0\nattempts = 1\n");
    host.login("alice", &["1111111"]);
    let before = (count("task"), count("fd"));
    let mut at_the_prompt = before;
    check_rows(["alice", "mallory"], |user| {
        login(&host, user, || {
            at_the_prompt = (count("task"), count("fd"));
            Some("1111111".into())
        });
        assert_eq!((count("task"), count("fd")), before, "{user}");
        login(&host, user, || None);
        assert_eq!((count("task"), count("fd")), before, "{user}, no reply");
    });
    // One thread, and its socket or the file that it reads.
    assert!(at_the_prompt.0 <= before.0 + 1, "{at_the_prompt:?}");
}
