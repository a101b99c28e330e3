//! What a person reads: a closed list of texts in six languages, each replaceable in `[messages]`.
//!
//! The administrator chooses the language (`login.language`), never the environment: the engine's
//! is empty. The values of placeholders may come from an attacker and are made
//! safe to show. Used by `login`; the keys and the administrator's texts are in
//! [`crate::base::language`].

mod built_in;

use crate::base::language::{Language, Message, Piece, Texts, pieces};
use crate::base::{text, utc};

pub use built_in::built_in;

/// The texts of one login, for one language and with the values of the placeholders.
#[derive(Debug, Clone, Default)]
pub struct Messages {
    language: Language,
    own: Texts,
    user: String,
    host: String,
    service: String,
}

impl Messages {
    /// The texts for a login of `user` to `service` on `host`.
    #[must_use]
    pub fn new(language: Language, own: &Texts, user: &str, host: &str, service: &str) -> Self {
        Self {
            language,
            own: own.clone(),
            user: text::sanitize_to(user, 64),
            host: text::sanitize_to(host, 64),
            service: text::sanitize_to(service, 64),
        }
    }

    /// Returns the text of `message`.
    #[must_use]
    pub fn text(&self, message: Message) -> String {
        self.text_with(message, "")
    }

    /// The notice about an app that was enrolled and counts from `until` on, in seconds since 1970.
    #[must_use]
    pub fn held(&self, until: u64) -> String {
        self.text_with(Message::EnrollHeld, &utc::shown(until))
    }

    /// Returns the text of `message`, with `value` for the placeholder that only some messages
    /// have: `{words}`, `{left}`, `{count}` or `{time}`.
    #[must_use]
    pub fn text_with(&self, message: Message, value: &str) -> String {
        self.fill(message, |_| value)
    }

    /// Returns the notice for an account that needs a second factor after this day, in `days` days.
    #[must_use]
    pub fn enroll_by(&self, date: &str, days: u64) -> String {
        let days = days.to_string();
        self.fill(Message::EnrollBy, |name| match name {
            "date" => date,
            _ => &days,
        })
    }

    fn fill<'a>(&'a self, message: Message, value: impl Fn(&str) -> &'a str) -> String {
        let own = self.own.get(message);
        let text = own.unwrap_or_else(|| built_in(message, self.language));
        let mut filled = String::new();
        for piece in pieces(text) {
            filled.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Name("user") => &self.user,
                Piece::Name("host") => &self.host,
                Piece::Name("service") => &self.service,
                Piece::Name(name) => value(name),
                Piece::Unclosed => "{",
            });
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn german(own: &Texts) -> Messages {
        Messages::new(Language::De, own, "alice", "server1", "sshd")
    }

    #[test]
    fn every_built_in_text_passes_the_checks_for_an_administrators_text() {
        let mut wrong = Vec::new();
        for message in Message::ALL {
            for language in Language::ALL {
                let text = built_in(*message, language);
                let accepted = Texts::default().set(*message, text);
                // A prompt, and only a prompt, ends in a space, where the reply is typed.
                let is_prompt = message.key().starts_with("prompt");
                if text.is_empty() || accepted.is_err() || is_prompt != text.ends_with(": ") {
                    wrong.push(format!("{message:?} {language:?} {text:?}: {accepted:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_key_is_in_the_manual() {
        let manual = include_str!("../../packaging/man/pam_authy.toml.5").replace(['"', ','], " ");
        let words: Vec<_> = manual.split_whitespace().collect();
        let keys = Message::ALL.iter().map(|message| message.key());
        let missing: Vec<_> = keys.filter(|key| !words.contains(key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_text_of_the_administrator_replaces_the_built_in_one() {
        let mut own = Texts::default();
        own.set(Message::Prompt, "{user}@{host}/{service} > ")
            .unwrap();
        assert_eq!(german(&own).text(Message::Prompt), "alice@server1/sshd > ");
        let built_in = built_in(Message::NotAccepted, Language::De);
        assert_eq!(german(&own).text(Message::NotAccepted), built_in);
    }

    #[test]
    fn an_unknown_or_unclosed_placeholder_is_refused() {
        let mut own = Texts::default();
        let wrong = own.set(Message::Prompt, "{users}");
        assert_eq!(wrong.unwrap_err(), "has an unknown placeholder {users}");
        let wrong = own.set(Message::Prompt, "{words}");
        assert_eq!(wrong.unwrap_err(), "has an unknown placeholder {words}");
        assert!(own.set(Message::PromptOr, "{words}: ").is_ok());
        assert_eq!(
            own.set(Message::Prompt, "a {user").unwrap_err(),
            "has a { without a }"
        );
        assert!(own.set(Message::Prompt, "two\nlines").is_err());
        assert!(own.set(Message::Prompt, &"x".repeat(201)).is_err());
    }

    #[test]
    fn a_user_name_cannot_rewrite_the_screen_or_the_text() {
        let messages = Messages::new(Language::En, &Texts::default(), "{host}\x1b[2J", "h", "s");
        let shown = messages.text(Message::PushQuestion);
        assert!(shown.contains("{host}?[2J"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic_and_every_placeholder_is_replaced(text in "[a-z{} ]{0,40}") {
            let mut own = Texts::default();
            if own.set(Message::Prompt, &text).is_ok() {
                let shown = german(&own).text(Message::Prompt);
                let left = shown.contains("{user}");
                prop_assert!(!left);
            }
        }
    }
}
