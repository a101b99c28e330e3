//! The module's entry points, and the table from verdicts to PAM codes.
//!
//! Everything that PAM passes in may come from an attacker. A panic anywhere below becomes
//! PAM_ABORT (the guard of `pam_hooks!`) and prints nothing on the person's terminal. `module`
//! performs the login, and `conversation` asks the person.

mod conversation;
#[expect(unsafe_code, reason = "calls of libpam that pam-bindings lacks")]
mod ffi;
mod items;
mod module;

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};
use pam::pam_hooks;

use crate::base::attempt::Verdict;

struct PamAuthy;

pam_hooks!(PamAuthy);

impl PamHooks for PamAuthy {
    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        let _silent = SilentPanics::new();
        let login = AssertUnwindSafe(|| module::authenticate(pamh, &args));
        // The payload of a panic may itself panic when it is dropped; pam_hooks! catches that
        // panic.
        let verdict = catch_unwind(login).unwrap_or_else(|_| module::panicked(pamh));
        code(verdict)
    }

    /// Does nothing and reads nothing: sshd calls this in another process than the authentication.
    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
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
