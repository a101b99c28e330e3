//! How a reply is classified in its login, and the prompt that asks for it.

use super::{Dialog, Login};
use crate::base::factor::Channel;
use crate::base::language::Message;
use crate::base::reply::{Grammar, Reply};
use crate::base::secret::Secret;

impl Login<'_> {
    /// The replies that this login takes; `pending` says that a push waits, so that Enter looks at it.
    pub(super) fn grammar(&self, pending: bool) -> Grammar {
        Grammar {
            codes: self.takes_tokens(),
            recovery: self.recovery.is_some(),
            push: self.pushes(),
            enter_pushes: pending || self.enter_pushes(),
            sms: self.allows(Channel::Sms),
            call: self.allows(Channel::Call),
        }
    }
}

impl Dialog<'_> {
    /// Sorts a reply. One that is the system password is never looked at any further.
    pub(super) fn classify(&self, typed: Option<&Secret>) -> Reply {
        let password = self.login.attempt.password.as_ref().map(Secret::expose);
        match typed.map(Secret::expose) {
            Some(typed) if !typed.is_empty() && password == Some(typed) => Reply::Unusable,
            Some(typed) => {
                let pending = self.pushes.pending.is_some();
                self.login.grammar(pending).classify(typed)
            }
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
