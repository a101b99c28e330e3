//! The person at the prompt, as a login sees them.
//!
//! `pam` implements [`Conversation`] over libpam, and the tests script it. Everything that it
//! returns comes from the person or the application and is not trusted.

use crate::base::secret::Secret;

/// The person at the prompt.
pub trait Conversation {
    /// Shows `notice` and then `prompt`, and returns what was typed. Returns `None` when the
    /// application returned no text or text that is not UTF-8. Blocks until the person answers.
    ///
    /// # Errors
    /// [`ConversationFailed`] when the application could not show the prompt.
    fn ask(
        &mut self,
        notice: Option<&str>,
        prompt: &str,
        echo: bool,
    ) -> Result<Option<Secret>, ConversationFailed>;

    /// Shows `notice` without a prompt. sshd shows it with the next prompt, or after the login.
    fn show_notice(&mut self, notice: &str);

    /// The login name (PAM_USER) as it is now. The application may change it during a conversation.
    fn user(&self) -> Option<String>;

    /// Sets the system password (PAM_AUTHTOK) for the modules that follow in the stack.
    ///
    /// # Errors
    /// [`ConversationFailed`] when libpam could not store it.
    fn set_password(&mut self, password: &Secret) -> Result<(), ConversationFailed>;
}

/// The application could not show a prompt to the person, or libpam failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationFailed;
