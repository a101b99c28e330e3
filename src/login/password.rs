//! Password and code in one reply (`token_in_password`), for clients with a single password field.
//!
//! The module runs before `pam_unix.so try_first_pass` in the stack. It splits the reply itself,
//! passes the password part on to the next module as PAM_AUTHTOK, and sends only what follows the
//! password. Called by the dialog, for a single attempt.

use super::{Dialog, Step};
use crate::base::arguments::FirstPass;
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::language::Message;
use crate::base::question::Kind;
use crate::base::reply::Reply;

impl Dialog<'_> {
    /// The login with one reply that contains both, and no second prompt.
    pub(super) fn run_combined(mut self) -> Outcome {
        let reply = match self.ask_combined() {
            Ok(reply) => reply,
            Err((verdict, reason)) => return self.end(verdict, reason),
        };
        let entered = self.login.clock.now();
        let mut step = match reply {
            // There is no second prompt at which the code could be typed.
            Reply::Send(_) => self.refuse_code(Reason::WrongCode, Message::NotACode),
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

    /// Asks for password and code. The module answers from PAM_AUTHTOK where the arguments of the
    /// stack say so.
    fn ask_combined(&mut self) -> Result<Reply, (Verdict, Reason)> {
        let login = &self.login;
        if login.first_pass == FirstPass::Use && !login.attempt.has_password {
            self.outcome.detail =
                Some("use_first_pass: no earlier module has read a password".into());
            return Err((Verdict::Failed, Reason::Configuration));
        }
        let lengths = login.factor.code_lengths();
        let prompt = login.messages.text(Message::PromptPassword);
        let typed = self.read(Kind::PasswordAndCode { lengths }, prompt, false)?;
        Ok(self.classify(typed.as_ref()))
    }
}
