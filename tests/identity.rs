//! Who a login is: which sign of a remote login takes the caller's word away, and names that differ
//! by case.

use pam_authy::base::attempt::Attempt;
use pam_authy::login::policy::subject;
use pam_authy::store::config::Subject;
use serde_json::Value;

use crate::authyctl::run_json;
use crate::common::host::Host;

fn attempt() -> Attempt {
    Attempt {
        user: "root".into(),
        service: "sudo".into(),
        rhost: None,
        tty: None,
        ruser: Some("alice".into()),
        address: None,
        ssh_auth: None,
        ..Attempt::default()
    }
}

/// With `whose = "caller"` PAM_RUSER says whose factor is asked. An address comes from
/// SSH_CONNECTION too, where PAM_RHOST is not set.
#[test]
fn a_caller_is_believed_only_where_nothing_says_that_the_login_is_remote() {
    let address = "192.0.2.7".parse().ok();
    let rhost = Some("192.0.2.7".to_owned());
    let rows = [
        (None, None, Some("alice")),
        (None, address, None),
        (rhost.clone(), None, None),
        (rhost, address, None),
    ];
    let mut failed = Vec::new();
    for (rhost, address, expected) in rows {
        let attempt = Attempt {
            rhost,
            address,
            ..attempt()
        };
        let found = subject(Subject::Caller, &attempt, |_| Ok::<_, ()>(None)).unwrap();
        if found.as_deref() != expected {
            failed.push((attempt.rhost.clone(), address, found));
        }
    }
    assert!(failed.is_empty(), "rhost, address, subject: {failed:?}");
}

#[test]
fn a_name_that_differs_by_case_is_another_user_for_everything_that_is_kept() {
    let host = Host::new();
    let token = host.sim.token(1635);
    let refused = host.login("Alice", &[&token, "0000000", "0000000"]);
    assert_eq!(refused.code, "PAM_MAXTRIES");
    assert_eq!(host.sim.count("/verify/"), 0, "no request about Alice");
    let codes = |user: &str| {
        let (status, answer) = run_json(&host.sim, &["recovery", "generate", user], "");
        assert_eq!(status, 0, "{answer}");
        let code = |code: &Value| code.as_str().unwrap().to_owned();
        answer["codes"]
            .as_array()
            .unwrap()
            .iter()
            .map(code)
            .collect::<Vec<_>>()
    };
    let (small, capital) = (codes("alice"), codes("Alice"));
    assert_eq!(
        run_json(&host.sim, &["enroll", "Alice", "--authy-id", "1635"], "").0,
        0
    );
    // The other user's code is refused.
    let login = host.login("Alice", &[&small[0], &capital[0]]);
    assert_eq!((login.code, login.prompts()), ("PAM_SUCCESS", 2));
    let wrong = host.login("Alice", &["0000000", "0000000", "0000000"]);
    assert_eq!(wrong.code, "PAM_MAXTRIES");
    let (_, counts) = run_json(&host.sim, &["limits"], "");
    let users = counts["users"].as_array().unwrap();
    let names: Vec<_> = users.iter().map(|user| &user["user"]).collect();
    assert_eq!(names, ["Alice"], "{counts}");
    let left = |user| run_json(&host.sim, &["recovery", "left", user], "").1["left"].clone();
    assert_eq!((left("alice"), left("Alice")), (10.into(), 9.into()));
}
