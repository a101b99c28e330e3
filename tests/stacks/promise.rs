//! What `pam enable` promises, as a check of two logins: one through the stack as it was, one
//! through the new one, with the same answers of all old modules.

use crate::common::logins::{Call, Login};

const SUCCESS: i32 = 0;
const AUTH_ERR: i32 = 7;
const IGNORE: i32 = 25;

/// What our module answers in the three kinds of logins.
pub(super) const OUR_ANSWERS: [i32; 3] = [SUCCESS, IGNORE, AUTH_ERR];

/// Returns what is broken of the promise; nothing when it is kept. `ours` is the number of the
/// stand-in for our module, `answer` what it answers, and `otherwise` the codes other than success
/// that a line takes for an acceptance: libpam then returns that code, and a login that came so far
/// was not refused by a module.
pub(super) fn broken(
    old: &Login,
    new: &Login,
    ours: usize,
    answer: i32,
    otherwise: &[i32],
) -> Option<&'static str> {
    let others = |call: &Call| -> Vec<usize> {
        let called = call.called.iter().copied();
        called.filter(|number| *number != ours).collect()
    };
    let asked = |call: &Call| call.called.iter().filter(|number| **number == ours).count();
    let pairs = [
        (&old.authenticate, &new.authenticate),
        (&old.setcred, &new.setcred),
        (&old.alone, &new.alone),
    ];
    for (at, (old, new)) in pairs.into_iter().enumerate() {
        if old.called != others(new) {
            return Some(
                [
                    "other modules in authenticate",
                    "other modules in setcred",
                    "other modules in setcred alone",
                ][at],
            );
        }
    }
    let (was_in, is_in) = (
        old.authenticate.code == SUCCESS,
        new.authenticate.code == SUCCESS,
    );
    let times = asked(&new.authenticate);
    let is_granted = answer != AUTH_ERR;
    if was_in {
        return match (times, is_in == is_granted) {
            (0, _) => Some("a login without our factor"),
            (1, true)
                if is_granted && old.setcred.code == SUCCESS && new.setcred.code != SUCCESS =>
            {
                Some("setcred fails")
            }
            (1, true) if old.alone.code == SUCCESS && new.alone.code != SUCCESS => {
                Some("setcred alone fails")
            }
            (1, true) => None,
            (1, false) if is_granted => Some("somebody is locked out"),
            (1, false) => Some("somebody gets in though our factor is refused"),
            _ => Some("our line is reached twice"),
        };
    }
    if is_in {
        return Some("somebody gets in who was refused before");
    }
    let was_refused = !otherwise.contains(&old.authenticate.code);
    (times > 0 && was_refused).then_some("our line is reached by a refused login")
}
