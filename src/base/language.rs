//! Languages, and the messages that a person can be shown: their keys, placeholders, and the texts
//! that an administrator puts in their place.
//!
//! The texts themselves are in `messages`. The configuration needs only what is here, to check
//! `login.language` and the table `[messages]`.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::text;

/// The longest text of an administrator, in characters.
const LENGTH: usize = 200;

/// A language of the built-in texts. Its words are those of Authy's parameter `locale`.
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
    /// All languages, in the order in which `messages` lists the texts.
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
}

/// Declares the closed list of messages: documentation, variant, key in `[messages]`.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident $key:literal,)*) => {
        /// A message that a person can be shown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Message { $($(#[$doc])* $name,)* }

        impl Message {
            /// All messages.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The key in `[messages]`.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }
        }
    };
}

messages! {
    /// Asks for a token.
    Prompt "prompt",
    /// Asks for a token and names the words that may be typed in its place.
    PromptOr "prompt_or",
    /// The same where Enter alone sends a push.
    PromptEnter "prompt_enter",
    /// Joins the last two of those words.
    Or "or",
    /// Asks while a push waits for its answer.
    PromptPush "prompt_push",
    /// The same where no token is taken.
    PromptPushOnly "prompt_push_only",
    /// Offers a push where no token is taken.
    PromptSendPush "prompt_send_push",
    /// Asks for the code that the push showed.
    PromptCode "prompt_code",
    /// Asks for the password with the token behind it.
    PromptPassword "prompt_password",
    /// The token was wrong.
    NotAccepted "not_accepted",
    /// The reply was no token.
    NotACode "not_a_token",
    /// An SMS is on its way.
    SmsSent "sms_sent",
    /// Authy found an SMS unnecessary.
    SmsUseApp "sms_use_app",
    /// The SMS could not be sent.
    SmsFailed "sms_failed",
    /// This login has had its SMS.
    SmsSpent "sms_spent",
    /// The phone is being called.
    CallStarted "call_started",
    /// Authy found a call unnecessary.
    CallUseApp "call_use_app",
    /// The call could not be made.
    CallFailed "call_failed",
    /// This login has had its call.
    CallSpent "call_spent",
    /// A push waits for its answer.
    PushSent "push_sent",
    /// Nobody answered the push.
    PushExpired "push_expired",
    /// The person has no app.
    PushNoApp "push_no_app",
    /// The push could not be sent, or was lost.
    PushFailed "push_failed",
    /// This login has had its pushes.
    PushSpent "push_spent",
    /// An hour's SMS, calls or pushes are spent.
    Limited "limited",
    /// Too many tokens were wrong: none is taken for a while.
    Paused "paused",
    /// A recovery code was used up.
    RecoveryLeft "recovery_left",
    /// What the phone shows.
    PushQuestion "push_question",
}

/// The key is not one of `[messages]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no message has this key")]
pub struct UnknownMessage;

impl FromStr for Message {
    type Err = UnknownMessage;

    fn from_str(key: &str) -> Result<Self, UnknownMessage> {
        let known = |message: &&Self| message.key() == key;
        Self::ALL.iter().find(known).copied().ok_or(UnknownMessage)
    }
}

impl Message {
    /// The placeholders that the text of this message may contain.
    fn placeholders(self) -> impl Iterator<Item = &'static str> {
        let own = match self {
            Self::PromptOr | Self::PromptEnter => Some("words"),
            Self::RecoveryLeft => Some("left"),
            _ => None,
        };
        ["user", "host", "service"].into_iter().chain(own)
    }
}

/// The administrator's own texts, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(BTreeMap<Message, String>);

impl Texts {
    /// Replaces the built-in text of `message` by `text`.
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

    /// The administrator's text for `message`, where there is one.
    #[must_use]
    pub fn get(&self, message: Message) -> Option<&str> {
        self.0.get(&message).map(String::as_str)
    }
}

/// A part of a text.
pub enum Piece<'a> {
    /// Text to show as it is.
    Text(&'a str),
    /// The name of a placeholder.
    Name(&'a str),
    /// A `{` without its `}`.
    Open,
}

/// The parts of `text`, in order.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut parts = text.split('{');
    let first = parts.next().into_iter().map(Piece::Text);
    first.chain(parts.flat_map(|part| match part.split_once('}') {
        Some((name, rest)) => [Piece::Name(name), Piece::Text(rest)],
        None => [Piece::Open, Piece::Text(part)],
    }))
}
