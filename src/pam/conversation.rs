//! The conversation with the person, over pam-bindings. Created by `module`; what the application
//! returns is not trusted.
//!
//! A notice is an error message: su and sudo print a PAM_TEXT_INFO among the output of the command
//! that they run, and a PAM_ERROR_MSG on standard error. An application that takes no message gets
//! its notices in front of the prompts.

use pam::constants::{PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON};
use pam::conv::Conv;
use pam::items::{AuthTok, User};
use pam::module::PamHandle;

use super::ffi;
use crate::base::question;
use crate::base::secret::Secret;

/// The person behind a PAM handle.
pub(super) struct PamConversation<'a> {
    pamh: &'a mut PamHandle,
    /// Whether the application has not taken a message in this login.
    takes_no_message: bool,
    /// What comes in front of the next prompt: the notice that it has not taken.
    in_prompt: String,
}

impl<'a> PamConversation<'a> {
    pub(super) fn new(pamh: &'a mut PamHandle) -> Self {
        Self {
            pamh,
            takes_no_message: false,
            in_prompt: String::new(),
        }
    }

    /// Shows `prompt`, and returns what was typed; `None` for no text, or text that is not UTF-8.
    /// Blocks until the person answers.
    ///
    /// # Errors
    /// The application could not show the prompt.
    pub(super) fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Secret>, ()> {
        let prompt = std::mem::take(&mut self.in_prompt) + prompt;
        let conv = conv(self.pamh).ok_or(())?;
        let style = if echo {
            PAM_PROMPT_ECHO_ON
        } else {
            PAM_PROMPT_ECHO_OFF
        };
        let reply = conv.send(style, &prompt).map_err(|_| ())?;
        let text = reply.as_ref().and_then(|bytes| bytes.as_str().ok());
        Ok(text.map(|text| Secret::new(text.to_owned())))
    }

    /// Shows `notice` without a prompt. An application that returns an error, or success without an
    /// array of replies, may not have shown it.
    pub(super) fn show_notice(&mut self, notice: &str) {
        let is_shown = !self.takes_no_message
            && conv(self.pamh).is_some_and(|conv| conv.send(PAM_ERROR_MSG, notice).is_ok());
        if !is_shown {
            self.takes_no_message = true;
            self.in_prompt = question::in_prompt(notice);
        }
    }

    /// PAM_USER as it is now; `None` if it is not UTF-8.
    pub(super) fn user(&self) -> Option<String> {
        user(self.pamh)
    }

    /// PAM_AUTHTOK as it is now.
    pub(super) fn password(&self) -> Option<Secret> {
        password(self.pamh)
    }

    /// Sets PAM_AUTHTOK; false when libpam refuses.
    pub(super) fn set_password(&mut self, password: &Secret) -> bool {
        ffi::set_password(self.pamh, password)
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
