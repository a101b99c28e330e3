//! Why a request got no usable response.
//!
//! The clients map these errors to their own. A response with a bad HTTP status is not an error
//! here: each client judges the answers of its service.

/// Why there is no response.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server could not prove its identity: wrong CA, name or date. Nothing was sent.
    #[error("the server could not prove its identity: {0}")]
    UntrustedServer(String),
    /// No usable answer arrived in time.
    #[error("no usable answer: {0}")]
    Unavailable(Cause),
    /// This host has no descriptor, memory, thread, port or permission for a request.
    #[error("this process cannot make a request: {0}")]
    Process(String),
    /// The configuration is wrong: a CA file, a proxy. Nothing was sent.
    #[error("{0}")]
    Local(String),
}

impl Error {
    /// Whether the service could not be reached or its answer was lost.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Why no usable answer arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The time of the request ran out.
    #[error("no answer in time")]
    TimedOut,
    /// No connection could be opened, so no byte of the request was sent.
    #[error("{0}")]
    NoConnection(String),
    /// The connection broke.
    #[error("{0}")]
    Connection(String),
    /// The answer does not follow HTTP.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// The answer has this HTTP status, and cannot be read as one of the service.
    #[error("{why} (HTTP {status})")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        why: &'static str,
    },
}
