//! Remembered logins: bound to one boot, on this host to one session on one terminal, and never
//! proven by a recovery code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use pam_authy::base::attempt::Attempt;
use pam_authy::base::factor::{AuthyId, Person};
use pam_authy::pam_app::{Item, Style, Transaction};
use pam_authy::store::config;
use pam_authy::store::remember::{LoginBinding, is_remembered, store};

use crate::authyctl::run_json;
use crate::common::child::{CHILD, as_child};
use crate::common::host::Host;
use crate::common::mount;
use crate::common::sandbox::sandboxed;
use crate::common::test_name;

fn rules() -> config::Remember {
    config::Remember {
        time: Duration::from_secs(600),
        services: None,
        by: config::RememberBy::Login,
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
        ..Attempt::default()
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
fn on_a_terminal(name: &str, stack: &Path, lines: &str) -> Output {
    let program = std::env::current_exe().unwrap();
    let again = format!(
        "'{}' --exact {name} --nocapture --include-ignored",
        program.display()
    );
    Command::new("script")
        .args(["-qec", &lines.replace("AGAIN", &again), "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env(CHILD, stack)
        .output()
        .expect("script(1) of util-linux")
}

/// Logs alice in with the stack in `stack`, and returns whether she was asked for nothing.
fn is_remembered_here(stack: &Path, tty: &str, caller: Option<&str>) -> bool {
    let mut prompts = 0;
    let mut answer = |style: Style, _: &str| {
        let is_prompt = matches!(style, Style::PromptEchoOn | Style::PromptEchoOff);
        prompts += u32::from(is_prompt);
        is_prompt.then(|| "1234567".to_owned())
    };
    let mut pam = Transaction::start("sshd", "alice", stack, &mut answer).unwrap();
    pam.set(Item::Tty, tty).unwrap();
    if let Some(caller) = caller {
        pam.set(Item::RUser, caller).unwrap();
    }
    assert_eq!(pam.authenticate().name(), "PAM_SUCCESS");
    drop(pam);
    prompts == 0
}

/// Needs root, since the inner session takes another session's terminal.
#[test]
#[ignore = "needs root"]
fn a_login_of_this_host_is_remembered_in_its_session_alone() {
    if let Some(stack) = as_child() {
        let tty = fs::read_link("/proc/self/fd/0").unwrap();
        let tty = tty.to_str().unwrap();
        let caller = Some("alice");
        println!("before {}", is_remembered_here(&stack, tty, caller));
        println!("after {}", is_remembered_here(&stack, tty, caller));
        for _ in 0..2 {
            let remembered = is_remembered_here(&stack, tty, None);
            println!("without a caller {remembered}");
        }
        // su sets PAM_TTY without /dev.
        let short = tty.trim_start_matches("/dev/");
        println!("short {}", is_remembered_here(&stack, short, caller));
        return;
    }
    let name = test_name!();
    let host = Host::with("[remember]\nseconds = 600\n");
    let yes = r#"{"message":"Token is valid.","token":"is valid","success":"true"}"#;
    host.sim.answer_verify(200, yes);
    let stack = host.stack_folder();
    // Twice in one session; output in between changes nothing.
    let first = on_a_terminal(name, stack, "AGAIN; sleep 1.1; echo some text; AGAIN; :");
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    let count = |what: &str| text.matches(what).count();
    assert_eq!(
        (count("before false"), count("before true")),
        (1, 1),
        "{text}"
    );
    assert_eq!((count("after true"), count("short true")), (2, 2), "{text}");
    assert_eq!(count("without a caller false"), 4, "{text}");
    // A session that was started in this one, and one on a new terminal, are different sessions.
    let inner = on_a_terminal(name, stack, "setsid -cw AGAIN; :");
    let text = String::from_utf8_lossy(&inner.stdout).into_owned();
    assert!(text.contains("before false"), "{text}");
    let lines = "AGAIN; setsid -w AGAIN < /dev/tty; :";
    let text = String::from_utf8_lossy(&on_a_terminal(name, stack, lines).stdout).into_owned();
    assert_eq!(text.matches("before false").count(), 2, "{text}");
    assert_eq!(
        text.matches("after true").count(),
        1,
        "a session without a terminal: {text}"
    );
}

/// The clocks alone cannot tell: in the next boot the time since boot may be later than in this
/// one.
#[test]
#[ignore = "needs root"]
fn a_login_is_remembered_in_the_same_boot_alone() {
    sandboxed!();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut attempt = attempt("ssh");
    attempt.address = "192.0.2.7".parse().ok();
    let person = person();
    let login = LoginBinding {
        local: false,
        ..binding(&attempt, &person)
    };
    let is_known = || is_remembered(&state, &rules(), &login);
    let boot_id = Path::new("/proc/sys/kernel/random/boot_id");
    let boot = |id: &str| {
        let file = folder.path().join("boot_id");
        fs::write(&file, format!("{id}\n")).unwrap();
        mount(&["--bind", file.to_str().unwrap()], boot_id);
    };
    store(&state, &rules(), &login);
    assert!(is_known());

    let own = fs::read_to_string(boot_id).unwrap();
    boot("5f7e3e0e-1f1c-4c5e-9d4b-2f5d8c0a1b2c");
    assert!(!is_known(), "another boot");
    store(&state, &rules(), &login);
    assert!(is_known());
    boot(own.trim());
    assert!(is_known(), "the first boot again");
    // Without an id nothing is remembered and nothing is found.
    for broken in ["", "5f7e3e0e"] {
        boot(broken);
        store(&state, &rules(), &login);
        assert!(!is_known(), "{broken:?}");
    }
}

/// A recovery code proves one login; the next one is asked again.
#[test]
fn a_login_by_a_recovery_code_is_not_remembered() {
    let host = Host::with("[login]\nrefusal_seconds = 0\n[remember]\nseconds = 300\n");
    let login = |replies: &[&str]| {
        let login = host.login_with("alice", replies, &[(Item::RHost, "192.0.2.7")]);
        (login.code, login.prompts())
    };
    let (_, made) = run_json(&host.sim, &["recovery", "generate", "alice"], "");
    let code = made["codes"][0].as_str().unwrap();

    assert_eq!(login(&[code]), ("PAM_SUCCESS", 1));
    assert_eq!(login(&[]), ("PAM_CONV_ERR", 1), "asked again");

    // The same login with a token is remembered.
    assert_eq!(login(&[&host.sim.token(1635)]), ("PAM_SUCCESS", 1));
    assert_eq!(login(&[]), ("PAM_SUCCESS", 0));
    let audit = host.audit_of(4);
    let reasons = [
        "recovery_code",
        "conversation",
        "code_accepted",
        "remembered",
    ];
    for (line, reason) in audit.iter().zip(reasons) {
        assert!(line.contains(&format!("reason={reason}")), "{audit:?}");
    }
}
