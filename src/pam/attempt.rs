//! Reads who knocks from PAM's items and environment. All of it may come from an attacker.

use pam::constants::PamResultCode;
use pam::items::{AuthTok, RHost, RUser, Service, Tty};
use pam::module::PamHandle;

use super::{conversation, ffi};
use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::base::secret::Secret;
use crate::base::text;
use crate::host::address;

/// What PAM says of who knocks.
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
    let connection = ffi::environment(pamh, c"SSH_CONNECTION");
    Attempt {
        user: conversation::user(pamh).unwrap_or_default(),
        service: item!(Service).unwrap_or_default(),
        address: address::remote(connection.as_deref(), rhost.as_deref()),
        rhost,
        tty,
        ruser,
        ssh_auth: ffi::environment(pamh, c"SSH_AUTH_INFO_0").filter(|text| !text.is_empty()),
        password: password(pamh),
    }
}

/// The system password that an earlier module took. One that is no UTF-8 equals no reply.
fn password(pamh: &PamHandle) -> Option<Secret> {
    let password = pamh.get_item::<AuthTok<'_>>().ok().flatten()?;
    std::str::from_utf8(password.as_bytes())
        .ok()
        .map(|text| Secret::new(text.to_owned()))
}

/// Makes sure that there is a name, asking for it when the application has not, and that an account
/// could have it.
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
