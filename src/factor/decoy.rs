//! The second factor of an unenrolled user: it refuses every code and sends nothing.
//!
//! It behaves like the factor of a person who types wrong codes and does not answer a push, so that
//! a login does not reveal who is enrolled. It has no client: its type, not a check, guarantees
//! that it sends nothing. Created by `connect`.

use crate::base::deadline::Deadline;
use crate::base::factor::{
    Channel, Code, Error, ErrorKind, Identity, PushAnswer, PushRequest, SecondFactor, Sent,
};
use crate::base::language::Language;

/// Opens a connection, as for an enrolled person, so that the time to the first answer does not
/// reveal who is enrolled. It can do nothing else.
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
