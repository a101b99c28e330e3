//! The application ends, or never answers: the engine finishes what has left the host, writes what
//! lasts, and ends too.

use nix::sys::signal::{Signal, kill};
use serde_json::json;

use super::process::{wait_for, wait_for_none, wait_for_one};
use super::{AUTH_ERR, CONV_ERR, SUCCESS};
use crate::common::application::{Running, command, run};
use crate::common::host::Host;
use crate::common::rows::check_rows;

fn host(more: &str) -> Host {
    Host::with(&format!("[login]\nrefusal_seconds = 0\n{more}"))
}

/// Starts a login of alice and returns it with its engine running.
fn at_prompt(host: &Host) -> Running {
    let mut running = Running::start(command(host, "alice", &[], &[]));
    running.wait_for("prompt");
    wait_for_one(&host.engine());
    running
}

/// Kills the application, as its caller may, and waits for its end.
fn kill_application(running: Running) {
    kill(running.pid(), Signal::SIGKILL).unwrap();
    let said = running.finish();
    assert_eq!(said.codes(), [0; 0], "{said:?}");
}

/// Replies while the simulator answers after 700 ms, and kills the application meanwhile.
fn kill_during_request(host: &Host, reply: &str, path: &str) {
    host.sim
        .fault(&json!({"match": {"path": path}, "delay_ms": 700, "times": 1}));
    let mut running = at_prompt(host);
    running.reply(reply);
    wait_for("request", || host.sim.count(path) > 0);
    kill_application(running);
    assert!(
        !super::process::running(&host.engine()).is_empty(),
        "the request goes on"
    );
    wait_for_none(&host.engine());
}

fn only_line(host: &Host) -> String {
    let audit = host.audit();
    let [line] = audit.as_slice() else {
        panic!("{audit:?}");
    };
    line.clone()
}

#[test]
#[ignore = "needs root"]
fn an_engine_ends_with_an_application_that_is_killed_at_the_prompt() {
    let host = host("");
    kill_application(at_prompt(&host));
    wait_for_none(&host.engine());
    let line = only_line(&host);
    assert!(
        line.starts_with("verdict=error reason=conversation "),
        "{line}"
    );
    assert_eq!(host.sim.count("/verify/"), 0);
}

#[test]
#[ignore = "needs root"]
fn a_wrong_code_counts_though_the_application_was_killed_during_its_request() {
    let host = host("attempts = 1\n[limits]\nrefused_tokens = 3\n");
    for code in ["1111111", "2222222"] {
        let said = run(command(&host, "alice", &[], &[]), &[code]);
        assert_eq!(said.codes().len(), 1);
    }
    let before = host.sim.count("/verify/");
    host.sim
        .fault(&json!({"match": {"path": "/verify/"}, "delay_ms": 700, "times": 1}));
    let mut running = at_prompt(&host);
    running.reply("3333333");
    wait_for("request", || host.sim.count("/verify/") > before);
    kill_application(running);
    wait_for_none(&host.engine());
    let audit = host.audit_of(3);
    assert!(
        audit[2].starts_with("verdict=refused reason=wrong_code "),
        "{audit:?}"
    );
    // The third refused code in a row: a pause begins.
    let said = run(command(&host, "alice", &[], &[]), &[&host.sim.token(1635)]);
    assert_ne!(said.codes(), [SUCCESS], "{said:?}");
    let audit = host.audit_of(4);
    assert!(audit[3].contains("reason=limited "), "{audit:?}");
}

#[test]
#[ignore = "needs root"]
fn a_right_code_of_an_application_that_was_killed_is_delivered_to_no_one() {
    let host = host("[remember]\nseconds = 900\nservices = [\"sshd\"]\n");
    kill_during_request(&host, &host.sim.token(1635), "/verify/");
    let line = only_line(&host);
    assert!(
        line.starts_with("verdict=accepted reason=code_accepted "),
        "{line}"
    );
    assert!(line.contains(" delivered=no "), "{line}");
}

/// The push stays on the phone, and its answer matters beyond this login.
#[test]
#[ignore = "needs root"]
fn a_push_of_an_application_that_was_killed_is_waited_for_until_the_deadline() {
    let table = [
        (Some(true), "verdict=accepted reason=push_approved ", true),
        (Some(false), "verdict=refused reason=push_denied ", false),
        (None, "verdict=refused reason=deadline ", false),
    ];
    check_rows(table, |(answer, begins, is_undelivered)| {
        let host = host("deadline_seconds = 5\n");
        host.sim.change(1635, &json!({"registered": true}));
        let mut running = at_prompt(&host);
        running.reply("push");
        wait_for("push", || host.sim.pending_push(1635).is_some());
        kill_application(running);
        if let Some(approve) = answer {
            host.sim.decide(1635, approve);
        }
        wait_for_none(&host.engine());
        let line = only_line(&host);
        assert!(line.starts_with(begins), "{line}");
        assert_eq!(line.contains(" delivered=no "), is_undelivered, "{line}");
    });
}

#[test]
#[ignore = "needs root"]
fn a_reply_after_the_deadline_is_refused_and_sent_nowhere() {
    let host = host("deadline_seconds = 5\n");
    let mut running = at_prompt(&host);
    wait_for_none(&host.engine());
    let line = only_line(&host);
    assert!(
        line.starts_with("verdict=refused reason=deadline "),
        "{line}"
    );
    running.reply(&host.sim.token(1635));
    let said = running.finish();
    assert_eq!(said.codes(), [AUTH_ERR], "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
    assert_eq!(host.sim.count("/verify/"), 0);
}

/// The caller of su stops it between its reply and the verdict: the engine says `delivered=no`, and
/// so the verdict must not let the caller in later.
#[test]
#[ignore = "needs root"]
fn a_verdict_that_was_not_confirmed_in_time_lets_nobody_in() {
    let host = host("");
    host.sim
        .fault(&json!({"match": {"path": "/verify/"}, "delay_ms": 300, "times": 1}));
    let mut running = at_prompt(&host);
    let pid = running.pid();
    running.reply(&host.sim.token(1635));
    wait_for("request", || host.sim.count("/verify/") > 0);
    kill(pid, Signal::SIGSTOP).unwrap();
    wait_for_none(&host.engine());
    let line = only_line(&host);
    assert!(
        line.contains("verdict=accepted ") && line.contains(" delivered=no "),
        "{line}"
    );
    kill(pid, Signal::SIGCONT).unwrap();
    let said = running.finish();
    assert_eq!(said.codes(), [super::SERVICE_ERR], "{said:?}");
    assert!(said.is_unchanged(), "{said:?}");
}

/// The engine asks nothing after the notice, so that the module alone sees the other name.
#[test]
fn a_user_name_that_changes_with_a_notice_is_refused_by_the_module() {
    let host = host("push = \"auto\"\n");
    host.sim.change(1635, &json!({"registered": true}));
    let running = Running::start(command(&host, "alice", &[], &["-u", "mallory"]));
    wait_for("push", || host.sim.pending_push(1635).is_some());
    host.sim.decide(1635, true);
    let said = running.finish();
    assert_eq!(said.codes(), [AUTH_ERR], "{said:?}");
    let line = only_line(&host);
    assert!(
        line.starts_with("verdict=refused reason=user_changed "),
        "{line}"
    );
}

/// The application has not let the person in, so that the next login must prove a factor again.
#[test]
fn a_login_that_was_delivered_to_no_one_is_not_remembered() {
    let host = host("[remember]\nseconds = 900\n");
    let login = || command(&host, "alice", &[], &["-a", "192.0.2.7"]);
    host.sim
        .fault(&json!({"match": {"path": "/verify/"}, "delay_ms": 700, "times": 1}));
    let mut running = Running::start(login());
    running.wait_for("prompt");
    running.reply(&host.sim.token(1635));
    wait_for("request", || host.sim.count("/verify/") > 0);
    kill_application(running);
    wait_for_none(&host.engine());
    assert!(only_line(&host).contains(" delivered=no "));
    assert_eq!(run(login(), &[]).codes(), [CONV_ERR], "asked again");
    // The same login is remembered once it was delivered.
    let yes = r#"{"message":"Token is valid.","token":"is valid","success":"true"}"#;
    host.sim.answer_verify(200, yes);
    assert_eq!(run(login(), &["1234567"]).codes(), [SUCCESS]);
    assert_eq!(run(login(), &[]).codes(), [SUCCESS]);
}

/// As it might by a bug, or by a file system that does not answer. A stopped process shows that its
/// timer has fired by a pending signal.
#[test]
#[ignore = "needs root"]
fn an_engine_that_hangs_is_ended_by_the_kernel_soon_after_its_deadline() {
    let host = host("deadline_seconds = 5\n");
    let running = at_prompt(&host);
    let engine = wait_for_one(&host.engine());
    kill(engine, Signal::SIGSTOP).unwrap();
    let said = running.finish();
    assert_eq!(said.codes(), [super::SERVICE_ERR], "{said:?}");
    wait_for("SIGALRM", || {
        let status = std::fs::read_to_string(format!("/proc/{engine}/status")).unwrap();
        let pending = status.lines().find_map(|l| l.strip_prefix("ShdPnd:\t"));
        let pending = u64::from_str_radix(pending.unwrap(), 16).unwrap();
        pending & 1 << (Signal::SIGALRM as u64 - 1) != 0
    });
    kill(engine, Signal::SIGCONT).unwrap();
    wait_for_none(&host.engine());
    let audit = host.audit();
    assert!(audit.is_empty(), "{audit:?}");
}

/// The notice of the SMS is shown before the prompt.
#[test]
fn a_user_name_that_changes_before_a_reply_is_refused_and_the_reply_sent_nowhere() {
    let host = host("sms = \"auto\"\n");
    let token = host.sim.token(1635);
    let said = run(command(&host, "alice", &[], &["-u", "mallory"]), &[&token]);
    assert_eq!(said.codes(), [AUTH_ERR], "{said:?}");
    let line = only_line(&host);
    assert!(
        line.starts_with("verdict=refused reason=user_changed "),
        "{line}"
    );
    assert_eq!(host.sim.count("/verify/"), 0);
}
