//! [`Conversation`] over pam-bindings.
//!
//! A message goes out as PAM_TEXT_INFO directly before its prompt: sshd holds it back until one
//! follows and shows the two together.

use pam::constants::{PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO};
use pam::conv::Conv;
use pam::items::User;
use pam::module::PamHandle;

use super::ffi;
use crate::base::secret::Secret;
use crate::login::{Conversation, ConversationFailed};

/// The person behind a PAM handle.
pub(super) struct PamConversation<'a>(pub(super) &'a mut PamHandle);

impl Conversation for PamConversation<'_> {
    fn ask(
        &mut self,
        message: Option<&str>,
        prompt: &str,
        echo: bool,
    ) -> Result<Option<Secret>, ConversationFailed> {
        if let Some(message) = message {
            self.show_notice(message);
        }
        let conv = conv(self.0).ok_or(ConversationFailed)?;
        let style = if echo {
            PAM_PROMPT_ECHO_ON
        } else {
            PAM_PROMPT_ECHO_OFF
        };
        let reply = conv.send(style, prompt).map_err(|_| ConversationFailed)?;
        let text = reply.as_ref().and_then(|bytes| bytes.as_str().ok());
        Ok(text.map(|text| Secret::new(text.to_owned())))
    }

    fn show_notice(&mut self, message: &str) {
        if let Some(conv) = conv(self.0) {
            // Some applications answer a text without a reply array, which is reported as an error;
            // one that is really gone fails at the prompt.
            let _ = conv.send(PAM_TEXT_INFO, message);
        }
    }

    fn user(&self) -> Option<String> {
        user(self.0)
    }

    fn set_password(&mut self, password: &Secret) -> Result<(), ConversationFailed> {
        if ffi::set_password(self.0, password) {
            Ok(())
        } else {
            Err(ConversationFailed)
        }
    }
}

fn conv(pamh: &PamHandle) -> Option<Conv<'_>> {
    pamh.get_item::<Conv<'_>>().ok().flatten()
}

/// PAM_USER as it is now, unless it is no UTF-8.
pub(super) fn user(pamh: &PamHandle) -> Option<String> {
    let user = pamh.get_item::<User<'_>>().ok().flatten()?;
    user.to_str().ok().map(str::to_owned)
}
