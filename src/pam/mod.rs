//! The module's entry points, and the table from verdicts to PAM codes.
//!
//! Everything that PAM passes in may come from an attacker. A panic anywhere below becomes
//! PAM_ABORT (the guard of `pam_hooks!`) and prints nothing on the person's terminal. One call goes
//! through these files: `module` reads the login (`items`, `session`), connects to an
//! engine (`connect`, `service`, `spawn`), relays its questions (`conversation`, `password`), and returns its
//! verdict (`terminal` discards what was typed meanwhile).

mod connect;
mod conversation;
#[expect(unsafe_code, reason = "calls of libpam that pam-bindings lacks")]
mod ffi;
mod items;
mod log;
mod module;
mod password;
mod service;
mod session;
#[expect(unsafe_code, reason = "starts a process by system calls")]
mod spawn;
mod terminal;

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};
use pam::pam_hooks;

use crate::base::attempt::Verdict;

struct PamAuthy;

pam_hooks!(PamAuthy);

impl PamHooks for PamAuthy {
    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        let verdict = guarded(|| module::authenticate(pamh, &args, flags));
        code(verdict.unwrap_or_else(|| module::panicked(pamh)))
    }

    /// Does nothing and reads nothing: sshd calls this in another process than the authentication.
    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// Runs `login`; `None` where it panics, which prints nothing.
fn guarded(login: impl FnOnce() -> Verdict) -> Option<Verdict> {
    let _silent = SilentPanics::new();
    // The payload of a panic may itself panic when it is dropped; pam_hooks! catches that panic.
    catch_unwind(AssertUnwindSafe(login)).ok()
}

/// Returns the PAM code of a verdict. SUCCESS means that the factor was proven. No error becomes
/// SUCCESS or IGNORE.
fn code(verdict: Verdict) -> PamResultCode {
    match verdict {
        Verdict::Accepted => PamResultCode::PAM_SUCCESS,
        Verdict::Ignored => PamResultCode::PAM_IGNORE,
        Verdict::AttemptsExhausted => PamResultCode::PAM_MAXTRIES,
        Verdict::Refused => PamResultCode::PAM_AUTH_ERR,
        Verdict::Unavailable => PamResultCode::PAM_AUTHINFO_UNAVAIL,
        Verdict::Failed => PamResultCode::PAM_SERVICE_ERR,
        Verdict::ConversationFailed => PamResultCode::PAM_CONV_ERR,
        Verdict::Panicked => PamResultCode::PAM_ABORT,
    }
}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// Keeps the messages of panics off the person's terminal, until it is dropped.
struct SilentPanics(Option<Hook>);

impl SilentPanics {
    fn new() -> Self {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        Self(Some(previous))
    }
}

impl Drop for SilentPanics {
    fn drop(&mut self) {
        // The hook cannot be changed during a panic; then the silent one stays.
        if let (Some(previous), false) = (self.0.take(), std::thread::panicking()) {
            std::panic::set_hook(previous);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_below_pam_is_an_abort_and_prints_nothing() {
        assert_eq!(guarded(|| panic!("not shown")), None);
        assert_eq!(guarded(|| Verdict::Accepted), Some(Verdict::Accepted));
        assert_eq!(code(Verdict::Panicked), PamResultCode::PAM_ABORT);
    }

    #[test]
    fn only_a_proven_factor_is_success_and_no_error_is_ignored() {
        let rows = [
            (Verdict::Accepted, PamResultCode::PAM_SUCCESS),
            (Verdict::Ignored, PamResultCode::PAM_IGNORE),
            (Verdict::AttemptsExhausted, PamResultCode::PAM_MAXTRIES),
            (Verdict::Refused, PamResultCode::PAM_AUTH_ERR),
            (Verdict::Unavailable, PamResultCode::PAM_AUTHINFO_UNAVAIL),
            (Verdict::Failed, PamResultCode::PAM_SERVICE_ERR),
            (Verdict::ConversationFailed, PamResultCode::PAM_CONV_ERR),
            (Verdict::Panicked, PamResultCode::PAM_ABORT),
        ];
        let wrong: Vec<_> = rows
            .into_iter()
            .filter(|(verdict, expected)| code(*verdict) != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
