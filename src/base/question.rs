//! A question to the person: what the dialog asks, the engine sends, and the module shows.

/// What a question asks for, which decides what the module does with the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A code, a word or Enter.
    Code,
    /// The system password, and behind it a code or a word (`token_in_password`). The module keeps
    /// the password.
    PasswordAndCode {
        /// The lengths of the person's codes. A code needs no comma in front if there is exactly
        /// one length.
        lengths: Vec<u8>,
    },
}

/// A question to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it asks for.
    pub kind: Kind,
    /// A text to show before the prompt.
    pub notice: Option<String>,
    /// The prompt.
    pub prompt: String,
    /// Whether the reply is shown while it is typed.
    pub echo: bool,
}

/// A notice in front of a prompt, for an application that shows nothing else.
#[must_use]
pub fn in_prompt(notice: &str) -> String {
    notice.to_owned() + " "
}
