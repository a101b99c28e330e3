//! Remembered logins of this host: bound to one session on one terminal.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use pam_authy::base::attempt::Attempt;
use pam_authy::base::factor::{AuthyId, Person};
use pam_authy::store::config;
use pam_authy::store::remember::{LoginBinding, is_remembered, store};

use crate::common::child::{CHILD, as_child};
use crate::common::test_name;

fn rules() -> config::Remember {
    config::Remember {
        time: Duration::from_secs(600),
        services: None,
    }
}

fn attempt(tty: &str) -> Attempt {
    Attempt {
        user: "root".into(),
        service: "sudo".into(),
        rhost: None,
        tty: Some(tty.into()),
        ruser: Some("alice".into()),
        address: None,
        ssh_auth: None,
        password: None,
    }
}

fn person() -> Person {
    AuthyId::try_from(1635_u64).unwrap().into()
}

fn binding<'a>(attempt: &'a Attempt, person: &'a Person) -> LoginBinding<'a> {
    LoginBinding {
        attempt,
        subject: "alice",
        person,
        local: true,
        policy: [0; 32],
    }
}

/// Runs `lines` in a shell that leads a session on a new terminal; `AGAIN` in them is this test
/// again.
fn on_a_terminal(name: &str, state: &Path, lines: &str) -> Output {
    let program = std::env::current_exe().unwrap();
    let again = format!(
        "'{}' --exact {name} --nocapture --include-ignored",
        program.display()
    );
    Command::new("script")
        .args(["-qec", &lines.replace("AGAIN", &again), "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env(CHILD, state)
        .output()
        .expect("script(1) of util-linux")
}

/// Needs root, since the inner session takes another session's terminal.
#[test]
#[ignore = "needs root"]
fn a_login_of_this_host_is_remembered_in_its_session_alone() {
    if let Some(state) = as_child() {
        let tty = fs::read_link("/proc/self/fd/0").unwrap();
        let tty = tty.to_str().unwrap();
        let attempt = attempt(tty);
        println!(
            "before {}",
            is_remembered(&state, &rules(), &binding(&attempt, &person()))
        );
        store(&state, &rules(), &binding(&attempt, &person()));
        println!(
            "after {}",
            is_remembered(&state, &rules(), &binding(&attempt, &person()))
        );
        // su gives the terminal without /dev/.
        let short = self::attempt(tty.trim_start_matches("/dev/"));
        println!(
            "short {}",
            is_remembered(&state, &rules(), &binding(&short, &person()))
        );
        return;
    }
    let name = test_name!();
    let above = tempfile::tempdir().unwrap();
    let state = above.path().join("state");
    // Twice in one session; output in between changes nothing.
    let first = on_a_terminal(name, &state, "AGAIN; sleep 1.1; echo some text; AGAIN; :");
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    let count = |what: &str| text.matches(what).count();
    assert_eq!(
        (count("before false"), count("before true")),
        (1, 1),
        "{text}"
    );
    assert_eq!((count("after true"), count("short true")), (2, 2), "{text}");
    // A new session on the same terminal, and one on a new terminal, are different sessions.
    let inner = on_a_terminal(name, &state, "setsid -cw AGAIN; :");
    let text = String::from_utf8_lossy(&inner.stdout).into_owned();
    assert!(text.contains("before false"), "{text}");
    let lines = "AGAIN; setsid -w AGAIN < /dev/tty; :";
    let text = String::from_utf8_lossy(&on_a_terminal(name, &state, lines).stdout).into_owned();
    assert_eq!(text.matches("before false").count(), 2, "{text}");
    assert_eq!(
        text.matches("after true").count(),
        1,
        "a session without a terminal: {text}"
    );
}
