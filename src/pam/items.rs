//! Reads the [`Start`] of a login from PAM's items and environment and from the process. Called by
//! `module` at the start of each call.
//!
//! All texts may come from an attacker. An item that is empty or not set is absent.

use std::ffi::CStr;

use pam::constants::{PamFlag, PamResultCode};
use pam::items::{RHost, RUser, Service, Tty};
use pam::module::PamHandle;

use super::{conversation, ffi, session};
use crate::base::attempt::Attempt;
use crate::base::text;
use crate::protocol::{Start, UserName};

/// Reads what PAM says about the login, without asking for a user name.
pub(super) fn read(pamh: &mut PamHandle, args: &[&CStr], flags: PamFlag) -> Start {
    macro_rules! item {
        ($item:ident) => {
            present(
                pamh.get_item::<$item<'_>>()
                    .ok()
                    .flatten()
                    .as_deref()
                    .copied(),
            )
        };
    }
    let (rhost, tty, ruser) = (item!(RHost), item!(Tty), item!(RUser));
    let attempt = Attempt {
        user: conversation::user(pamh).unwrap_or_default(),
        service: item!(Service).unwrap_or_default(),
        address: None,
        process: session::process(tty.as_deref()),
        rhost,
        tty,
        ruser,
        ssh_auth: ffi::environment(pamh, c"SSH_AUTH_INFO_0").filter(|text| !text.is_empty()),
        believes_ssh: false,
        has_password: conversation::password(pamh).is_some(),
    };
    Start {
        version: 0,
        attempt,
        name: UserName::Known,
        flags: flags.cast_signed(),
        ssh_connection: ffi::environment(pamh, c"SSH_CONNECTION"),
        arguments: args
            .iter()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect(),
    }
}

/// The text of an item, unless it is empty.
fn present(item: Option<&CStr>) -> Option<String> {
    let text = item?.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(text)
}

/// Sets the user name, which libpam asks for if the application has not, and says whether an
/// account could have it. Blocks until the person answers.
pub(super) fn ask_for_user(pamh: &mut PamHandle, start: &mut Start) {
    start.name = match pamh.get_user(None) {
        Ok(user) if user.is_empty() || text::has_control(&user) => {
            start.attempt.user = user;
            UserName::Unusable
        }
        Ok(user) => {
            start.attempt.user = user;
            UserName::Known
        }
        // pam-bindings' answer for a name that is not UTF-8.
        Err(PamResultCode::PAM_SYSTEM_ERR) => UserName::Unusable,
        Err(_) => UserName::NotAsked,
    };
}
