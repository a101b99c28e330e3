//! What a login counts across calls of the module.

/// What is sent and costs money or attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Costly {
    /// A text message.
    Sms,
    /// A call.
    Call,
    /// An approval request.
    Push,
}

/// Why something is not to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The hour's number is spent, or a pause after refused tokens holds.
    Limit {
        /// Which one, for the log.
        detail: String,
    },
    /// The disk is full or read-only.
    Disk(String),
    /// A limit of the process's own caller.
    Process(String),
    /// The file can't be used.
    State(String),
}

/// What a login counts across calls.
pub trait Limits {
    /// Counts something before its request leaves.
    ///
    /// # Errors
    /// [`Held`]: it must not leave.
    fn spend(&mut self, what: Costly) -> Result<(), Held>;
    /// The request failed: nothing was sent.
    fn give_back(&mut self, what: Costly);
    /// Counts a token as refused before its verify leaves.
    ///
    /// # Errors
    /// [`Held`]: it must not leave.
    fn token(&mut self) -> Result<(), Held>;
    /// The person has proven who they are: the count of refused tokens is forgotten.
    fn token_accepted(&mut self);
    /// The verify had no answer: that one count is taken back.
    fn token_unanswered(&mut self);
}

/// Counts nothing.
#[derive(Debug)]
pub struct Uncounted;

impl Limits for Uncounted {
    fn spend(&mut self, _: Costly) -> Result<(), Held> {
        Ok(())
    }
    fn give_back(&mut self, _: Costly) {}
    fn token(&mut self) -> Result<(), Held> {
        Ok(())
    }
    fn token_accepted(&mut self) {}
    fn token_unanswered(&mut self) {}
}
