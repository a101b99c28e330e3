//! The conversation with the person, over pam-bindings. Created by `module`; what the application
//! returns is not trusted.
//!
//! A notice is sent as PAM_TEXT_INFO directly before its prompt: sshd keeps it until a prompt
//! follows, and shows both together.

use pam::constants::{PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO, PamResultCode};
use pam::conv::Conv;
use pam::items::{AuthTok, User};
use pam::module::PamHandle;

use super::ffi;
use crate::base::secret::Secret;

/// The person behind a PAM handle.
pub(super) struct PamConversation<'a>(pub(super) &'a mut PamHandle);

impl PamConversation<'_> {
    /// Shows `notice` and then `prompt`, and returns what was typed; `None` for no text, or text
    /// that is not UTF-8. Blocks until the person answers.
    ///
    /// # Errors
    /// The application's answer, where it could not show the prompt.
    pub(super) fn ask(
        &mut self,
        notice: Option<&str>,
        prompt: &str,
        echo: bool,
    ) -> Result<Option<Secret>, PamResultCode> {
        if let Some(notice) = notice {
            self.show_notice(notice);
        }
        let conv = conv(self.0).ok_or(PamResultCode::PAM_CONV_ERR)?;
        let style = if echo {
            PAM_PROMPT_ECHO_ON
        } else {
            PAM_PROMPT_ECHO_OFF
        };
        let reply = conv.send(style, prompt)?;
        let text = reply.as_ref().and_then(|bytes| bytes.as_str().ok());
        Ok(text.map(|text| Secret::new(text.to_owned())))
    }

    /// Shows `notice` without a prompt.
    pub(super) fn show_notice(&mut self, notice: &str) {
        if let Some(conv) = conv(self.0) {
            // Some applications return no array of replies for a text without a prompt, which
            // pam-bindings reports as an error. A conversation that really failed also fails at the
            // prompt.
            let _ = conv.send(PAM_TEXT_INFO, notice);
        }
    }

    /// PAM_USER as it is now; `None` if it is not UTF-8.
    pub(super) fn user(&self) -> Option<String> {
        user(self.0)
    }

    /// PAM_AUTHTOK as it is now.
    pub(super) fn password(&self) -> Option<Secret> {
        password(self.0)
    }

    /// Sets PAM_AUTHTOK; false when libpam refuses.
    pub(super) fn set_password(&mut self, password: &Secret) -> bool {
        ffi::set_password(self.0, password)
    }
}

fn conv(pamh: &PamHandle) -> Option<Conv<'_>> {
    pamh.get_item::<Conv<'_>>().ok().flatten()
}

/// Returns PAM_USER as it is now; `None` if it is not UTF-8.
pub(super) fn user(pamh: &PamHandle) -> Option<String> {
    let user = pamh.get_item::<User<'_>>().ok().flatten()?;
    user.to_str().ok().map(str::to_owned)
}

/// The system password that an earlier module has read. One that is not UTF-8 is ignored, because
/// it cannot equal a reply.
pub(super) fn password(pamh: &PamHandle) -> Option<Secret> {
    let password = pamh.get_item::<AuthTok<'_>>().ok().flatten()?;
    std::str::from_utf8(password.as_bytes())
        .ok()
        .map(|text| Secret::new(text.to_owned()))
}
