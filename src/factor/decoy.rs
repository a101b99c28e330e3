//! The second factor of an unenrolled user: every code is wrong, and nothing can be sent.
//!
//! It has no client, so that nothing can be sent by type and not by a check. It answers as the factor
//! of a person would whose codes are wrong and who does not answer a push.

use crate::base::deadline::Deadline;
use crate::base::factor::{
    Channel, Code, Error, ErrorKind, Identity, PushAnswer, PushRequest, SecondFactor, Sent,
};
use crate::base::language::Language;

/// What opens a connection for a decoy: the same as for a person, so that the time to the first answer
/// does not tell who is enrolled. It can do nothing else.
pub(super) type Preconnect = Box<dyn Fn(Deadline)>;

/// The factor of an unenrolled user.
pub(super) struct Decoy {
    preconnect: Option<Preconnect>,
}

impl Decoy {
    pub(super) fn new(preconnect: Option<Preconnect>) -> Self {
        Self { preconnect }
    }
}

impl SecondFactor for Decoy {
    fn identity(&self) -> Option<Identity> {
        None
    }

    fn preconnect(&mut self, deadline: Deadline) {
        if let Some(preconnect) = &self.preconnect {
            preconnect(deadline);
        }
    }

    fn verify(&mut self, _: &Code, _: Deadline) -> Result<(), Error> {
        Err(Error {
            kind: ErrorKind::Refused,
            code: None,
            detail: "the user is unenrolled".to_owned(),
            maybe_delivered: false,
        })
    }

    fn send(&mut self, _: Channel, _: Option<Language>, _: Deadline) -> Result<Sent, Error> {
        Ok(Sent::Sent)
    }

    fn has_app(&mut self, _: Deadline) -> Result<bool, Error> {
        Ok(true)
    }

    fn push(&mut self, _: &PushRequest, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn push_answer(&mut self, _: Deadline) -> Result<PushAnswer, Error> {
        Ok(PushAnswer::Pending)
    }
}
