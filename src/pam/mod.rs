//! PAM's side: the entry points, the module's arguments, and the table from verdicts to PAM codes.
//!
//! Everything that PAM hands over may come from an attacker. A panic anywhere below becomes PAM_ABORT
//! (the guard of `pam_hooks!`) and prints nothing on the person's terminal. The login itself is in
//! `module`; the person is asked through `conversation`.

mod attempt;
mod conversation;
#[expect(unsafe_code, reason = "calls of libpam that pam-bindings lacks")]
mod ffi;
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
        // The payload of a panic may panic when dropped: pam_hooks! catches that one.
        let verdict = catch_unwind(login).unwrap_or_else(|_| module::panicked(pamh));
        code(verdict)
    }

    /// Nothing is set up here, and nothing is read: sshd calls this in another process.
    fn sm_setcred(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }
}

/// The PAM code of a verdict. SUCCESS means proven; nothing that went wrong is IGNORE or SUCCESS.
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

/// Keeps a panic's message off the person's terminal while it lives.
struct SilentPanics(Option<Hook>);

impl SilentPanics {
    fn new() -> Self {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        Self(Some(before))
    }
}

impl Drop for SilentPanics {
    fn drop(&mut self) {
        // The hook cannot be changed while panicking; then the silent one stays.
        if let (Some(before), false) = (self.0.take(), std::thread::panicking()) {
            std::panic::set_hook(before);
        }
    }
}
