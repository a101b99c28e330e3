//! What a person reads: one closed list of texts, in six languages, each replaceable by `[messages]`.
//!
//! The language is the administrator's choice (`login.language`), never the environment's, which
//! belongs to whoever called sudo. What is put in for a placeholder may come from an attacker, and is
//! made safe to show. Used by `config`, which checks the administrator's own texts, and by `login`.

mod built_in;

use crate::base::language::{Language, Message, Piece, Texts, pieces};
use crate::base::text;

pub use built_in::built_in;

/// The texts of one login: language and placeholders are settled.
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

    /// A text.
    #[must_use]
    pub fn text(&self, message: Message) -> String {
        self.text_with(message, "")
    }

    /// A text with the value of the one placeholder that is its own: `{words}` or `{left}`.
    #[must_use]
    pub fn text_with(&self, message: Message, value: &str) -> String {
        let own = self.own.get(message);
        let text = own.unwrap_or_else(|| built_in(message, self.language));
        let mut filled = String::new();
        for piece in pieces(text) {
            filled.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Name("user") => &self.user,
                Piece::Name("host") => &self.host,
                Piece::Name("service") => &self.service,
                Piece::Name(_) => value,
                Piece::Open => "{",
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
    fn every_built_in_text_is_one_that_an_administrator_could_write() {
        for message in Message::ALL {
            for language in Language::ALL {
                let text = built_in(*message, language);
                assert_eq!(Texts::default().set(*message, text), Ok(()), "{text}");
                assert!(!text.is_empty(), "{message:?} {language:?}");
                // A prompt leaves room for what is typed, in every language.
                let is_prompt = message.key().starts_with("prompt");
                assert_eq!(is_prompt, text.ends_with(": "), "{text:?}");
            }
        }
    }

    #[test]
    fn every_key_is_in_the_manual() {
        let manual = include_str!("../../packaging/man/pam_authy.toml.5").replace(['"', ','], " ");
        let words: Vec<_> = manual.split_whitespace().collect();
        for message in Message::ALL {
            assert!(words.contains(&message.key()), "{}", message.key());
        }
    }

    #[test]
    fn a_text_of_ones_own_goes_before_the_built_in_one() {
        let mut own = Texts::default();
        own.set(Message::Prompt, "{user}@{host}/{service} > ")
            .unwrap();
        assert_eq!(german(&own).text(Message::Prompt), "alice@server1/sshd > ");
        let built_in = built_in(Message::NotAccepted, Language::De);
        assert_eq!(german(&own).text(Message::NotAccepted), built_in);
    }

    #[test]
    fn a_placeholder_that_is_unknown_or_not_closed_is_refused() {
        let mut own = Texts::default();
        let wrong = own.set(Message::Prompt, "{users}");
        assert_eq!(wrong.unwrap_err(), "has an unknown placeholder {users}");
        let wrong = own.set(Message::Prompt, "{words}");
        assert_eq!(wrong.unwrap_err(), "has an unknown placeholder {words}");
        assert!(own.set(Message::PromptOr, "{words}: ").is_ok());
        assert_eq!(
            own.set(Message::Prompt, "a {user").unwrap_err(),
            "has a { that nothing closes"
        );
        assert!(own.set(Message::Prompt, "two\nlines").is_err());
        assert!(own.set(Message::Prompt, &"x".repeat(201)).is_err());
    }

    #[test]
    fn what_an_attacker_is_called_cannot_rewrite_a_screen_or_a_text() {
        let messages = Messages::new(Language::En, &Texts::default(), "{host}\x1b[2J", "h", "s");
        let shown = messages.text(Message::PushQuestion);
        assert!(shown.contains("{host}?[2J"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_taken_has_no_placeholder_left(text in "[a-z{} ]{0,40}") {
            let mut own = Texts::default();
            if own.set(Message::Prompt, &text).is_ok() {
                let shown = german(&own).text(Message::Prompt);
                let left = shown.contains("{user}");
                prop_assert!(!left);
            }
        }
    }
}
