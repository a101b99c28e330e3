//! Reads the [`Attempt`] from PAM's items and environment. Called by `module` at the start of each
//! call.
//!
//! All of it may come from an attacker. An item that is empty or not set is absent.

use pam::constants::PamResultCode;
use pam::items::{AuthTok, RHost, RUser, Service, Tty};
use pam::module::PamHandle;

use super::{conversation, ffi};
use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::secret::Secret;
use crate::base::text;

/// Reads what PAM says about the login; the address is left to the caller.
pub(super) fn read(pamh: &mut PamHandle) -> Attempt {
    macro_rules! item {
        ($item:ident) => {
            pamh.get_item::<$item<'_>>()
                .ok()
                .flatten()
                .map(|text| text.to_string_lossy().into_owned())
                .filter(|text| !text.is_empty())
        };
    }
    let (rhost, tty, ruser) = (item!(RHost), item!(Tty), item!(RUser));
    Attempt {
        user: conversation::user(pamh).unwrap_or_default(),
        service: item!(Service).unwrap_or_default(),
        address: None,
        rhost,
        tty,
        ruser,
        ssh_auth: ffi::environment(pamh, c"SSH_AUTH_INFO_0").filter(|text| !text.is_empty()),
        password: password(pamh),
    }
}

/// The connection as sshd describes it (SSH_CONNECTION in the PAM environment).
pub(super) fn ssh_connection(pamh: &mut PamHandle) -> Option<String> {
    ffi::environment(pamh, c"SSH_CONNECTION")
}

/// The system password that an earlier module has read. One that is not UTF-8 is ignored, because
/// it cannot equal a reply.
fn password(pamh: &PamHandle) -> Option<Secret> {
    let password = pamh.get_item::<AuthTok<'_>>().ok().flatten()?;
    std::str::from_utf8(password.as_bytes())
        .ok()
        .map(|text| Secret::new(text.to_owned()))
}

/// Sets the user name, which libpam asks for if the application has not, and checks that an account
/// could have it. Blocks until the person answers.
///
/// # Errors
/// The outcome of a login without a usable name.
pub(super) fn ask_for_user(pamh: &mut PamHandle, attempt: &mut Attempt) -> Result<(), Outcome> {
    let unusable = || Outcome::new(Verdict::Refused, Reason::BadUserName);
    match pamh.get_user(None) {
        Ok(user) => attempt.user = user,
        Err(PamResultCode::PAM_SYSTEM_ERR) => return Err(unusable()),
        Err(_) => {
            return Err(Outcome::new(
                Verdict::ConversationFailed,
                Reason::Conversation,
            ));
        }
    }
    if attempt.user.is_empty() || text::has_control(&attempt.user) {
        return Err(unusable());
    }
    Ok(())
}
