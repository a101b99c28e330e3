//! Password and code in one reply (`token_in_password`), for clients with a single password field.
//!
//! The module runs before `pam_unix.so try_first_pass` in the stack, and passes the password part
//! on to it as PAM_AUTHTOK. The password is never sent anywhere: only the text behind it is
//! classified. Called by the dialog, for a single attempt.

use super::{Dialog, Step};
use crate::base::arguments::FirstPass;
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::factor::Code;
use crate::base::language::Message;
use crate::base::reply::Reply;
use crate::base::secret::Secret;

/// The length of the codes of the Authy app and its SMS, which need no comma in front.
const CODE_LENGTH: usize = 7;

impl Dialog<'_> {
    /// The login with one reply that contains both, and no second prompt.
    pub(super) fn run_combined(mut self) -> Outcome {
        let combined = match self.read_combined() {
            Ok(combined) => combined,
            Err((verdict, reason)) => return self.end(verdict, reason),
        };
        let entered = self.login.clock.now();
        let (password, reply) = self.split_combined(&combined);
        if self.login.conversation.set_password(&password).is_err() {
            return self.end(Verdict::ConversationFailed, Reason::Conversation);
        }
        let mut step = match reply {
            // There is no second prompt at which the code could be typed.
            Reply::Send(_) => self.refuse(Message::NotACode),
            reply => self.answer(&reply),
        };
        while self.pushes.pending.is_some() && matches!(step, Step::Again) {
            step = self.push();
        }
        if !matches!(step, Step::End(Verdict::Accepted | Verdict::Ignored, _)) {
            self.pad_refusal(entered);
        }
        match step {
            Step::End(verdict, reason) => self.end(verdict, reason),
            Step::Again | Step::Refused => self.attempts_exhausted(),
        }
    }

    /// The text of password and code: from an earlier module, or typed at the prompt.
    fn read_combined(&mut self) -> Result<Secret, (Verdict, Reason)> {
        let login = &self.login;
        match (login.first_pass, &login.attempt.password) {
            (FirstPass::Try | FirstPass::Use, Some(password)) => Ok(password.clone()),
            (FirstPass::Use, None) => {
                self.outcome.detail =
                    Some("use_first_pass: no earlier module has read a password".into());
                Err((Verdict::Failed, Reason::Configuration))
            }
            (FirstPass::Ask | FirstPass::Try, _) => {
                let prompt = login.messages.text(Message::PromptPassword);
                let typed = self.read(&prompt, false)?;
                Ok(typed.unwrap_or_else(|| Secret::new(String::new())))
            }
        }
    }

    /// Splits the text into the password and the reply: at the last comma, if a reply follows it,
    /// or else before the last seven digits. Otherwise all of it is the password and there is no
    /// reply. This is also so for seven digits alone, which may be a password, and for the password
    /// that an earlier module has read already.
    fn split_combined(&self, combined: &Secret) -> (Secret, Reply) {
        let text = combined.expose();
        if crate::base::text::has_control(text) || self.is_known_password(text) {
            return (combined.clone(), Reply::Unusable);
        }
        let secret = |text: &str| Secret::new(text.to_owned());
        if let Some((password, rest)) = text.rsplit_once(',') {
            let reply = self.login.grammar(false).classify(rest);
            if !rest.is_empty() && !matches!(reply, Reply::Unusable) {
                return (secret(password), reply);
            }
        }
        let split = text.len().saturating_sub(CODE_LENGTH);
        match text.split_at_checked(split) {
            Some((password, digits)) if !password.is_empty() && digits.parse::<Code>().is_ok() => {
                (secret(password), self.login.grammar(false).classify(digits))
            }
            _ => (combined.clone(), Reply::Unusable),
        }
    }

    /// Whether `text` was typed at our prompt and equals the password that an earlier module has
    /// read.
    fn is_known_password(&self, text: &str) -> bool {
        let known = self.login.attempt.password.as_ref();
        self.login.first_pass == FirstPass::Ask && known.is_some_and(|known| known.expose() == text)
    }
}
