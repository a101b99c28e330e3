//! What a person reads: one closed list of texts, in six languages, each replaceable by `[messages]`.
//!
//! The language is the administrator's choice (`login.language`), never the environment's, which
//! belongs to whoever called sudo. What is put in for a placeholder may come from an attacker, and is
//! made safe to show. Used by `config`, which checks the administrator's own texts, and by `login`.

mod built_in;

use std::collections::BTreeMap;

use crate::base::text;
pub use built_in::Message;

/// The longest text of the administrator's own, in characters.
const LENGTH: usize = 200;

/// A language that texts are built in for; the words are those of Authy's `locale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
    /// German.
    De,
    /// French.
    Fr,
    /// Italian.
    It,
}

impl Language {
    /// All of them, in the order in which [`Message`] holds its texts.
    pub const ALL: [Self; 6] = [Self::En, Self::Es, Self::Pt, Self::De, Self::Fr, Self::It];

    /// The word in config.toml and in a request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Pt => "pt",
            Self::De => "de",
            Self::Fr => "fr",
            Self::It => "it",
        }
    }

    /// The language of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.as_str() == word)
    }
}

/// Texts of the administrator's own, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(BTreeMap<Message, String>);

impl Texts {
    /// Puts `text` in the place of a built-in one.
    ///
    /// # Errors
    /// What is wrong with the text: a placeholder that this message does not have, a control
    /// character, too long.
    pub fn set(&mut self, message: Message, text: &str) -> Result<(), String> {
        if text.chars().count() > LENGTH || text::has_control(text) {
            return Err(format!("must be up to {LENGTH} characters in one line"));
        }
        for piece in pieces(text) {
            match piece {
                Piece::Text(_) => {}
                Piece::Name(name) if message.placeholders().any(|known| known == name) => {}
                Piece::Name(name) => {
                    let name = text::sanitize_to(name, 32);
                    return Err(format!("has an unknown placeholder {{{name}}}"));
                }
                Piece::Open => return Err("has a { that nothing closes".to_owned()),
            }
        }
        self.0.insert(message, text.to_owned());
        Ok(())
    }
}

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
        let own = self.own.0.get(&message).map(String::as_str);
        let text = own.unwrap_or_else(|| message.built_in(self.language));
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

/// A part of a text.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
    Open,
}

/// The parts of `text`, in their order.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut parts = text.split('{');
    let first = parts.next().into_iter().map(Piece::Text);
    first.chain(parts.flat_map(|part| match part.split_once('}') {
        Some((name, rest)) => [Piece::Name(name), Piece::Text(rest)],
        None => [Piece::Open, Piece::Text(part)],
    }))
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
                let text = message.built_in(language);
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
        let built_in = Message::NotAccepted.built_in(Language::De);
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
