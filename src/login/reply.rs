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

    /// Whether a push may be sent to this person.
    pub(super) fn allows_push(&self) -> bool {
        self.rules.offers_push()
    }

    /// Whether Enter alone sends a push. Where a push is the only factor, it always does.
    fn enter_sends_push(&self) -> bool {
        self.offers_push && (self.rules.enter == Enter::Push || !self.accepts_codes())
    }

    /// The replies that this login accepts. While a push is pending (`is_push_pending`), Enter
    /// checks whether it was answered.
    pub(super) fn grammar(&self, is_push_pending: bool) -> Grammar {
        Grammar {
            codes: self.accepts_codes(),
            recovery: self.recovery.is_some(),
            push: self.offers_push || self.allows_push(),
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

    /// The text of the prompt: it names a pending push, or else what may be typed. What it offers
    /// depends on the rules of the service and the course of this login, and not on the person.
    pub(super) fn prompt(&self) -> String {
        let login = &self.login;
        let recovery = || self.list(&[], login.names_recovery);
        match (login.accepts_codes(), self.pushes.pending.is_some()) {
            (true, true) => self.worded(Message::PromptPush, Message::PromptPushOr, recovery()),
            (false, true) => self.worded(
                Message::PromptPushOnly,
                Message::PromptPushOnlyOr,
                recovery(),
            ),
            (false, false) => self.worded(
                Message::PromptSendPush,
                Message::PromptSendPushOr,
                recovery(),
            ),
            (true, false) => self.code_prompt(),
        }
    }

    /// The prompt for a code, with the words that may be typed instead.
    fn code_prompt(&self) -> String {
        let login = &self.login;
        let words = [
            ("push", login.offers_push),
            ("sms", login.allows(Channel::Sms)),
            ("call", login.allows(Channel::Call)),
        ];
        let words: Vec<_> = words
            .into_iter()
            .filter_map(|(word, is_offered)| is_offered.then_some(word))
            .collect();
        let prompt = if login.enter_sends_push() {
            Message::PromptEnter
        } else {
            Message::PromptOr
        };
        let list = self.list(&words, login.names_recovery);
        self.worded(Message::Prompt, prompt, list)
    }

    /// The text of `with_words`, or of `plain` without words.
    fn worded(&self, plain: Message, with_words: Message, words: Option<String>) -> String {
        let messages = self.login.messages;
        match words {
            Some(words) => messages.text_with(with_words, &words),
            None => messages.text(plain),
        }
    }

    /// A list of words, and of a recovery code where it is named: `push, sms or call`.
    fn list(&self, words: &[&str], names_recovery: bool) -> Option<String> {
        let messages = self.login.messages;
        let recovery = names_recovery.then(|| messages.text(Message::WordRecovery));
        let words: Vec<_> = words.iter().copied().chain(recovery.as_deref()).collect();
        match words.split_last()? {
            (last, []) => Some((*last).to_owned()),
            (last, rest) => {
                let or = messages.text(Message::Or);
                Some(format!("{}{or}{last}", rest.join(", ")))
            }
        }
    }
}
