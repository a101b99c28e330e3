//! The replies that a login accepts: which ones its rules allow, the prompt that lists them, and
//! the classification of what was typed.
//!
//! What was typed is not trusted. [`Grammar`] recognizes it; this file gives the grammar the rules
//! of the login. The module has already kept back the system password.

use super::{Dialog, Login};
use crate::base::factor::{Channel, Factor, SendMode};
use crate::base::language::Message;
use crate::base::reply::{Grammar, Reply};
use crate::base::secret::Secret;
use crate::store::config::Enter;

impl Login<'_> {
    /// Whether the login accepts a typed code, of the app, an SMS or a call.
    pub(super) fn accepts_codes(&self) -> bool {
        let typed = [Factor::Token, Factor::Sms, Factor::Call];
        self.rules
            .factors
            .iter()
            .any(|factor| typed.contains(factor))
    }

    /// Whether codes may be sent through `channel`.
    pub(super) fn allows(&self, channel: Channel) -> bool {
        let factors = &self.rules.factors;
        match channel {
            Channel::Sms => self.rules.sms != SendMode::Never && factors.contains(&Factor::Sms),
            Channel::Call => factors.contains(&Factor::Call),
        }
    }

    /// Whether a push may be sent.
    pub(super) fn allows_push(&self) -> bool {
        self.rules.push != SendMode::Never && self.rules.factors.contains(&Factor::Push)
    }

    /// Whether Enter alone sends a push. Where a push is the only factor, it always does.
    fn enter_sends_push(&self) -> bool {
        self.allows_push() && (self.rules.enter == Enter::Push || !self.accepts_codes())
    }

    /// The replies that this login accepts. While a push is pending (`is_push_pending`), Enter
    /// checks whether it was answered.
    pub(super) fn grammar(&self, is_push_pending: bool) -> Grammar {
        Grammar {
            codes: self.accepts_codes(),
            recovery: self.recovery.is_some(),
            push: self.allows_push(),
            enter_pushes: is_push_pending || self.enter_sends_push(),
            sms: self.allows(Channel::Sms),
            call: self.allows(Channel::Call),
        }
    }
}

impl Dialog<'_> {
    /// Classifies what was typed.
    pub(super) fn classify(&self, typed: Option<&Secret>) -> Reply {
        let is_push_pending = self.pushes.pending.is_some();
        let grammar = self.login.grammar(is_push_pending);
        typed.map_or(Reply::Unusable, |typed| grammar.classify(typed.expose()))
    }

    /// The text of the prompt: it names a pending push, or else what may be typed.
    pub(super) fn prompt(&self) -> String {
        let (login, messages) = (&self.login, self.login.messages);
        match (login.accepts_codes(), self.pushes.pending.is_some()) {
            (true, true) => messages.text(Message::PromptPush),
            (false, true) => messages.text(Message::PromptPushOnly),
            (false, false) => messages.text(Message::PromptSendPush),
            (true, false) => self.code_prompt(),
        }
    }

    /// The prompt for a code, with the words that may be typed instead.
    fn code_prompt(&self) -> String {
        let (login, messages) = (&self.login, self.login.messages);
        let offers_push = login.allows_push() && self.pushes.has_app != Some(false);
        let words = [
            ("push", offers_push),
            ("sms", login.allows(Channel::Sms)),
            ("call", login.allows(Channel::Call)),
        ];
        let words: Vec<_> = words
            .into_iter()
            .filter_map(|(word, is_offered)| is_offered.then_some(word))
            .collect();
        let list = match words.split_last() {
            None => return messages.text(Message::Prompt),
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => {
                let or = messages.text(Message::Or);
                format!("{}{or}{last}", rest.join(", "))
            }
        };
        let prompt = if offers_push && login.enter_sends_push() {
            Message::PromptEnter
        } else {
            Message::PromptOr
        };
        messages.text_with(prompt, &list)
    }
}
