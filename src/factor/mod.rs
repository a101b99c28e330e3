//! The seam: what a login asks of a service that stands for a person's phone.
//!
//! Authy is the one provider today. A second one implements [`Provider`] and sorts its answers into
//! [`Error`]; a login knows nothing else of either. The classes say what a login does next, not what
//! happened on the wire.

pub mod authy;

use crate::base::deadline::Deadline;
use crate::client::authy::types::{AuthyId, Token, Uuid};
use crate::messages::Language;

/// What a login asks of a service.
pub trait Provider {
    /// Makes ready in the background for a question that may follow. Returns at once; the background
    /// ends by `deadline`. Whatever comes of it is no answer. Does nothing by default.
    fn preconnect(&mut self, deadline: Deadline) {
        let _ = deadline;
    }

    /// Asks whether `token` is right for the person. Asked once per token. Blocks until `deadline` at
    /// most.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it is wrong; otherwise the question was not answered with a yes.
    fn verify(&mut self, id: AuthyId, token: &Token, deadline: Deadline) -> Result<(), Error>;

    /// Has a token sent to the person, in `language` where one is named. Blocks until `deadline` at
    /// most, not for a call itself.
    ///
    /// # Errors
    /// Any of [`Error`]: no token is on its way.
    fn send(
        &mut self,
        channel: Channel,
        id: AuthyId,
        language: Option<Language>,
        deadline: Deadline,
    ) -> Result<Sent, Error>;

    /// Whether the person has an app that a push can reach. Blocks until `deadline` at most.
    ///
    /// # Errors
    /// Any of [`Error`]: it is not known.
    fn has_app(&mut self, id: AuthyId, deadline: Deadline) -> Result<bool, Error>;

    /// Has the phone ask its owner. Blocks until `deadline` at most, not for the person.
    ///
    /// # Errors
    /// Any of [`Error`]: no push is on its way.
    fn push(
        &mut self,
        id: AuthyId,
        question: &PushRequest,
        deadline: Deadline,
    ) -> Result<Uuid, Error>;

    /// What became of a push, asked once. Blocks until `deadline` at most.
    ///
    /// # Errors
    /// Any of [`Error`]: it is not known.
    fn answer(&mut self, id: AuthyId, push: &Uuid, deadline: Deadline)
    -> Result<PushAnswer, Error>;
}

/// What the phone asks its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRequest {
    /// The question.
    pub message: String,
    /// What is shown beside it, in order.
    pub details: Vec<(String, String)>,
    /// How long it can be answered.
    pub seconds: u32,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushAnswer {
    /// Nobody has answered yet.
    Pending,
    /// The phone's owner said yes.
    Approved,
    /// The phone's owner said no.
    Denied,
    /// It can't be answered any more.
    Expired,
}

/// How a token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// As a text message.
    Sms,
    /// Told in a call.
    Call,
}

/// What became of a token that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Sent,
    /// Nothing was sent: the person has the app, whose token is to be used.
    UseApp,
}

/// Why a provider did not say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What a login does about it.
    pub kind: ErrorKind,
    /// The provider's own error code.
    pub code: Option<u32>,
    /// For the administrator's log; safe to show, no secret in it.
    pub detail: String,
    /// Whether it may have been done all the same: the request had left, and no answer came back. The
    /// person at the prompt can bring that about, by a late reply or a stopped process.
    pub maybe_delivered: bool,
}

/// The classes that a login tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No: the token is wrong or was used. The person may try again.
    Refused,
    /// No token of this person counts: suspended, blocked, being deleted.
    PersonRefused,
    /// The provider knows no such person.
    PersonUnknown,
    /// The provider takes no more requests for now.
    RateLimited,
    /// The key is refused.
    KeyRefused,
    /// The application or account is refused.
    ApplicationRefused,
    /// The server could not prove who it is.
    UntrustedServer,
    /// No usable answer. The only class that may ask `when_unavailable`.
    Unavailable,
    /// Our own configuration: no CA file, for one.
    Configuration,
    /// Our own process: no descriptor, memory or thread.
    Process,
}
