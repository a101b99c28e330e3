//! The person at the prompt, as a login sees them.
//!
//! `engine` implements [`Conversation`] over the channel to the module, and the tests script it.
//! Everything that it returns comes from the person or the application and is not trusted.

use crate::base::attempt::Verdict;
use crate::base::question::Question;
use crate::base::secret::Secret;

/// The person at the prompt.
pub trait Conversation {
    /// Shows `question` and returns what was typed. Returns `None` when the reply must not be used:
    /// there is no text, or it is not UTF-8, has a control character, or is the system password
    /// alone. Blocks until the person answers, and no longer than until the deadline.
    ///
    /// # Errors
    /// There is no reply.
    fn ask(&mut self, question: &Question) -> Result<Option<Secret>, NoReply>;

    /// Shows `notice` without a prompt. sshd before 10.3 shows it with the next prompt, or after
    /// the login.
    fn show_notice(&mut self, notice: &str);

    /// The login name (PAM_USER) as it is now. The application may change it during a conversation.
    fn user(&self) -> Option<String>;

    /// Whether the application is still there to be answered.
    fn is_open(&self) -> bool;

    /// Ends the login for the application with `verdict`, which is no success. What is still done
    /// afterwards concerns the log and the counts alone.
    fn dismiss(&mut self, verdict: Verdict);
}

/// Why there is no reply to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReply {
    /// The application could not show the question, or it is gone.
    Failed,
    /// The deadline of the login has passed.
    Deadline,
}
