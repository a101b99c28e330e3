//! Languages, and the messages that a person can be shown: their keys, their placeholders, and the
//! texts that an administrator may set for them.
//!
//! The built-in texts are in `messages`. `store::config` needs only this file, to check
//! `login.language` and the table `[messages]`. An administrator's text is checked once, when
//! config.toml is read.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::text;

/// The longest text that an administrator may set, in characters.
const MAX_LENGTH: usize = 200;

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
    /// Asks for a code.
    Prompt "prompt",
    /// Asks for a code and lists the words that may be typed instead.
    PromptOr "prompt_or",
    /// The same, where Enter alone sends a push.
    PromptEnter "prompt_enter",
    /// Joins the last two of those words.
    Or "or",
    /// Asks for a code while a push is pending.
    PromptPush "prompt_push",
    /// The same, and lists the words that may be typed instead.
    PromptPushOr "prompt_push_or",
    /// Asks to approve a push, where no code is accepted.
    PromptPushOnly "prompt_push_only",
    /// The same, and lists the words that may be typed instead.
    PromptPushOnlyOr "prompt_push_only_or",
    /// Offers a push, where no code is accepted.
    PromptSendPush "prompt_send_push",
    /// The same, and lists the words that may be typed instead.
    PromptSendPushOr "prompt_send_push_or",
    /// What a prompt calls a recovery code, among those words.
    WordRecovery "word_recovery",
    /// Asks for the code that the push showed.
    PromptCode "prompt_code",
    /// Offers to enroll an app.
    PromptEnroll "prompt_enroll",
    /// Asks for the first code of an app that is being enrolled.
    PromptEnrollCode "prompt_enroll_code",
    /// Asks for the password followed by a code.
    PromptPassword "prompt_password",
    /// The code was wrong.
    NotAccepted "not_accepted",
    /// The reply was not a code.
    NotACode "not_a_token",
    /// An SMS was sent.
    SmsSent "sms_sent",
    /// The provider sent no SMS, because the person has the app.
    SmsUseApp "sms_use_app",
    /// The SMS could not be sent.
    SmsFailed "sms_failed",
    /// This login may send no further SMS.
    SmsSpent "sms_spent",
    /// The phone is being called.
    CallStarted "call_started",
    /// The provider made no call, because the person has the app.
    CallUseApp "call_use_app",
    /// The call could not be made.
    CallFailed "call_failed",
    /// This login may make no further call.
    CallSpent "call_spent",
    /// A push was sent.
    PushSent "push_sent",
    /// The person has not answered the push that is on the phone.
    PushPending "push_pending",
    /// The push was not answered in time.
    PushExpired "push_expired",
    /// The person has no app.
    PushNoApp "push_no_app",
    /// The push could not be sent, or was lost.
    PushFailed "push_failed",
    /// This login may send no further push.
    PushSpent "push_spent",
    /// The SMS, calls or pushes of this hour are used up.
    Limited "limited",
    /// Too many codes were wrong: no code is accepted for some time.
    Paused "paused",
    /// A recovery code was accepted, and is used up.
    RecoveryLeft "recovery_left",
    /// A success: how many codes were refused, and pushes denied, since the last one.
    RefusedSince "refused_since",
    /// Follows a notice about a factor that does not work: a recovery code does.
    RecoveryHint "recovery_hint",
    /// The last reply was refused, and there is no further prompt.
    AttemptsUsed "attempts_used",
    /// The same in sshd, which refuses everything from then on, although clients still ask.
    AttemptsUsedSsh "attempts_used_ssh",
    /// The person denied the push; codes are accepted too.
    PushDenied "push_denied",
    /// The person denied the push, which is the only factor.
    PushOnlyDenied "push_only_denied",
    /// The login took longer than `deadline_seconds`.
    TooLate "too_late",
    /// The provider gave no usable answer.
    NotReachable "not_reachable",
    /// The same, and `when_unavailable` allows the login.
    AllowedUnchecked "allowed_unchecked",
    /// The account has no second factor, and needs one soon.
    EnrollBy "enroll_by",
    /// The provider's server could not prove its identity.
    NotTrusted "not_trusted",
    /// The provider accepts no more requests for now.
    TooManyRequests "too_many_requests",
    /// The provider has suspended the person, or does not know them.
    PersonRefused "person_refused",
    /// The SSH key belongs to no person of a shared account.
    NoKey "no_key",
    /// Nothing but a security key is accepted, and sshd has accepted none of the person.
    NoSecurityKey "no_security_key",
    /// The user name cannot be used.
    LoginRefused "login_refused",
    /// This host cannot check the factor: its files, its state or its access to the provider.
    NotSetUp "not_set_up",
    /// What the person can do who is offered to enroll an app.
    EnrollOffer "enroll_offer",
    /// Above the QR code and the secret of an app that is being enrolled.
    EnrollScan "enroll_scan",
    /// The same without a QR code.
    EnrollKey "enroll_key",
    /// The first code was wrong, and there is another try.
    EnrollWrong "enroll_wrong",
    /// The app is enrolled: when it counts.
    EnrollDone "enroll_done",
    /// No app is enrolled, after two wrong codes.
    EnrollNot "enroll_not",
    /// The app could not be stored.
    EnrollFailed "enroll_failed",
    /// An app was enrolled and does not count yet: when it does.
    EnrollHeld "enroll_held",
    /// The question of the push.
    PushQuestion "push_question",
}

/// The table `[messages]` has no such key.
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
        let own: &[&str] = match self {
            Self::PromptOr
            | Self::PromptEnter
            | Self::PromptPushOr
            | Self::PromptPushOnlyOr
            | Self::PromptSendPushOr => &["words"],
            Self::RecoveryLeft => &["left"],
            Self::RefusedSince => &["count"],
            Self::EnrollDone | Self::EnrollHeld => &["time"],
            Self::EnrollBy => &["date", "days"],
            _ => &[],
        };
        ["user", "host", "service"]
            .into_iter()
            .chain(own.iter().copied())
    }
}

/// The texts that the administrator has set, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(BTreeMap<Message, String>);

impl Texts {
    /// Replaces the built-in text of `message` with `text`.
    ///
    /// # Errors
    /// What is wrong with the text: it is too long, or has a control character or a placeholder
    /// that this message does not have.
    pub fn set(&mut self, message: Message, text: &str) -> Result<(), String> {
        if text.chars().count() > MAX_LENGTH || text::has_control(text) {
            return Err(format!("must be up to {MAX_LENGTH} characters in one line"));
        }
        for piece in pieces(text) {
            match piece {
                Piece::Text(_) => {}
                Piece::Name(name) if message.placeholders().any(|known| known == name) => {}
                Piece::Name(name) => {
                    let name = text::sanitize_to(name, 32);
                    return Err(format!("has an unknown placeholder {{{name}}}"));
                }
                Piece::Unclosed => return Err("has a { without a }".to_owned()),
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
    /// A `{` without a `}`.
    Unclosed,
}

/// The parts of `text`, in order.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut parts = text.split('{');
    let first = parts.next().into_iter().map(Piece::Text);
    first.chain(parts.flat_map(|part| match part.split_once('}') {
        Some((name, rest)) => [Piece::Name(name), Piece::Text(rest)],
        None => [Piece::Unclosed, Piece::Text(part)],
    }))
}
