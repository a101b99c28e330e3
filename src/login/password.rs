//! The token behind the password, in one reply: for clients that have a single password field.
//!
//! We stand before `pam_unix.so try_first_pass`, which gets its own part. The system password goes
//! nowhere else: of the reply only what stands behind it is looked at any further.

use super::{Dialog, Step};
use crate::base::arguments::FirstPass;
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::factor::Code;
use crate::base::language::Message;
use crate::base::reply::Reply;
use crate::base::secret::Secret;

/// The length of a token of the Authy app and of its SMS, which needs no comma in front.
const TOKEN: usize = 7;

impl Dialog<'_> {
    /// One reply that holds both, and one answer.
    pub(super) fn run_once(mut self) -> Outcome {
        let combined = match self.combined() {
            Ok(combined) => combined,
            Err((verdict, reason)) => return self.end(verdict, reason),
        };
        let entered = self.login.clock.now();
        let (password, reply) = self.take_apart(&combined);
        if self.login.conversation.set_password(&password).is_err() {
            return self.end(Verdict::ConversationFailed, Reason::Conversation);
        }
        let mut next = match reply {
            // There is no second prompt for what they bring.
            Reply::Send(_) => self.refuse(Message::NotACode),
            reply => self.answer(&reply),
        };
        while self.pushes.pending.is_some() && matches!(next, Step::Again) {
            next = self.push();
        }
        if !matches!(next, Step::End(Verdict::Accepted | Verdict::Ignored, _)) {
            self.pad_refusal(entered);
        }
        match next {
            Step::End(verdict, reason) => self.end(verdict, reason),
            Step::Again | Step::Refused => self.attempts_exhausted(),
        }
    }

    fn combined(&mut self) -> Result<Secret, (Verdict, Reason)> {
        let login = &self.login;
        match (login.first_pass, &login.attempt.password) {
            (FirstPass::Try | FirstPass::Use, Some(password)) => Ok(password.clone()),
            (FirstPass::Use, None) => {
                self.outcome.detail =
                    Some("use_first_pass, and no module before this one took a password".into());
                Err((Verdict::Failed, Reason::Configuration))
            }
            (FirstPass::Ask | FirstPass::Try, _) => {
                let prompt = login.messages.text(Message::PromptPassword);
                let typed = self.read(&prompt, false)?;
                Ok(typed.unwrap_or_else(|| Secret::new(String::new())))
            }
        }
    }

    /// The password and what stands behind it: behind the last comma when that is a reply, else the
    /// last seven digits. Where there is neither, all of it is the password; so it is where it is typed
    /// again after an earlier module took it, and where there are seven digits and nothing else.
    fn take_apart(&self, combined: &Secret) -> (Secret, Reply) {
        let text = combined.expose();
        if crate::base::text::has_control(text) || self.is_typed_again(text) {
            return (combined.clone(), Reply::Unusable);
        }
        let secret = |text: &str| Secret::new(text.to_owned());
        if let Some((password, behind)) = text.rsplit_once(',') {
            let reply = self.login.grammar(false).classify(behind);
            if !behind.is_empty() && !matches!(reply, Reply::Unusable) {
                return (secret(password), reply);
            }
        }
        let at = text.len().saturating_sub(TOKEN);
        match text.split_at_checked(at) {
            Some((password, digits)) if !password.is_empty() && digits.parse::<Code>().is_ok() => {
                (secret(password), self.login.grammar(false).classify(digits))
            }
            _ => (combined.clone(), Reply::Unusable),
        }
    }

    /// Whether what was asked for is the whole password that an earlier module took.
    fn is_typed_again(&self, text: &str) -> bool {
        let taken = self.login.attempt.password.as_ref();
        self.login.first_pass == FirstPass::Ask && taken.is_some_and(|taken| taken.expose() == text)
    }
}
