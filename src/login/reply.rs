//! What a reply is, before anybody is asked about it, and the prompt that asked for it.

use super::{Dialog, Login};
use crate::base::secret::Secret;
use crate::base::text;
use crate::client::authy::types::Token;
use crate::factor::Channel;
use crate::messages::Message;
use crate::store::recovery::Code;

/// What a person typed.
pub(super) enum Reply {
    /// Digits that could be a token.
    Token(Token),
    /// What could be a recovery code.
    Recovery(Code),
    /// The word `sms` or `call`.
    Send(Channel),
    /// The word `push`, or Enter where that says the same.
    Push,
    /// Nothing of these.
    Unusable,
}

impl Login<'_> {
    /// Sorts a text; `pending`: a push waits, so that Enter looks at it.
    pub(super) fn classify_text(&self, typed: &str, pending: bool) -> Reply {
        let is = |word| typed.eq_ignore_ascii_case(word);
        if text::has_control(typed) {
            Reply::Unusable
        } else if (typed.is_empty() && (pending || self.enter_pushes()))
            || (self.pushes() && is("push"))
        {
            Reply::Push
        } else if self.allows(Channel::Sms) && is("sms") {
            Reply::Send(Channel::Sms)
        } else if self.allows(Channel::Call) && is("call") {
            Reply::Send(Channel::Call)
        } else {
            self.classify_proof(typed)
        }
    }

    /// A token where tokens are taken, or a recovery code where those are.
    fn classify_proof(&self, typed: &str) -> Reply {
        match (typed.parse(), typed.parse()) {
            (Ok(token), _) if self.takes_tokens() => Reply::Token(token),
            (Err(_), Ok(code)) if self.recovery.is_some() => Reply::Recovery(code),
            _ => Reply::Unusable,
        }
    }
}

impl Dialog<'_> {
    /// Sorts a reply. One that is the system password is never looked at any further.
    pub(super) fn classify(&self, typed: Option<&Secret>) -> Reply {
        let password = self.login.attempt.password.as_ref().map(Secret::expose);
        match typed.map(Secret::expose) {
            Some(typed) if !typed.is_empty() && password == Some(typed) => Reply::Unusable,
            Some(typed) => self
                .login
                .classify_text(typed, self.pushes.pending.is_some()),
            None => Reply::Unusable,
        }
    }

    /// Whether the login name is still the one that was asked for.
    pub(super) fn is_same_user(&self) -> bool {
        let user = self.login.conversation.user();
        user.as_deref() == Some(self.login.attempt.user.as_str())
    }

    /// The prompt: what waits, or what may be typed.
    pub(super) fn prompt(&self) -> String {
        let (login, messages) = (&self.login, self.login.messages);
        match (login.takes_tokens(), self.pushes.pending.is_some()) {
            (true, true) => messages.text(Message::PromptPush),
            (false, true) => messages.text(Message::PromptPushOnly),
            (false, false) => messages.text(Message::PromptSendPush),
            (true, false) => self.prompt_for_token(),
        }
    }

    fn prompt_for_token(&self) -> String {
        let (login, messages) = (&self.login, self.login.messages);
        let offers_push = login.pushes() && self.pushes.has_app != Some(false);
        let words = [
            ("push", offers_push),
            ("sms", login.allows(Channel::Sms)),
            ("call", login.allows(Channel::Call)),
        ];
        let words: Vec<_> = words
            .into_iter()
            .filter_map(|(word, offered)| offered.then_some(word))
            .collect();
        let list = match words.split_last() {
            None => return messages.text(Message::Prompt),
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => {
                let or = messages.text(Message::Or);
                format!("{}{or}{last}", rest.join(", "))
            }
        };
        let prompt = if offers_push && login.enter_pushes() {
            Message::PromptEnter
        } else {
            Message::PromptOr
        };
        messages.text_with(prompt, &list)
    }
}
