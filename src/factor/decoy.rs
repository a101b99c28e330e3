//! The second factor of an unenrolled user, and of a person who has nothing but security keys: it
//! refuses every code and sends nothing.
//!
//! It behaves like the factor of a person who types wrong codes and does not answer a push, so that
//! a login does not reveal who is enrolled. It has no client: its type, not a check, guarantees
//! that it sends nothing. Created by `connect`.

use crate::base::deadline::Deadline;
use crate::base::factor::{
    Channel, Code, Error, ErrorKind, Identity, Progress, PushAnswer, PushRequest, SecondFactor,
    Sent,
};
use crate::base::language::Language;

/// Opens a connection, as for an enrolled person, so that the time to the first answer does not
/// reveal who is enrolled. It can do nothing else.
pub(super) type Preconnect = Box<dyn Fn(Deadline)>;

/// The factor of an unenrolled user, or of a person without codes.
pub(super) struct Decoy {
    preconnect: Option<Preconnect>,
    code_digits: u8,
    /// A person, who may use recovery codes.
    identity: Option<Identity>,
}

impl Decoy {
    /// A factor whose codes seem to have this many digits.
    pub(super) fn new(preconnect: Option<Preconnect>, code_digits: u8) -> Self {
        Self {
            preconnect,
            code_digits,
            identity: None,
        }
    }

    /// The same for a person of this identity.
    pub(super) fn of(self, identity: Option<Identity>) -> Self {
        Self { identity, ..self }
    }
}

impl SecondFactor for Decoy {
    fn identity(&self) -> Option<Identity> {
        self.identity.clone()
    }

    fn code_lengths(&self) -> Vec<u8> {
        vec![self.code_digits]
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
            detail: "the user has no codes".to_owned(),
            progress: Progress::Answered,
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_decoy_refuses_every_code_and_seems_to_send() {
        let mut decoy = Decoy::new(None, 6);
        let later = Deadline::after(Instant::now(), Duration::from_secs(60));
        let refused = decoy.verify(&"1234567".parse().unwrap(), later);
        let refused = refused.unwrap_err();
        assert_eq!((refused.kind, refused.code), (ErrorKind::Refused, None));
        assert_eq!(decoy.send(Channel::Sms, None, later), Ok(Sent::Sent));
        assert_eq!(decoy.send(Channel::Call, None, later), Ok(Sent::Sent));
        assert_eq!(decoy.has_app(later), Ok(true));
        let request = PushRequest {
            message: "?".into(),
            details: vec![],
            seconds: 40,
        };
        assert_eq!(decoy.push(&request, later), Ok(()));
        assert_eq!(decoy.push_answer(later), Ok(PushAnswer::Pending));
        assert_eq!(decoy.identity(), None);
        assert_eq!(Decoy::new(None, 8).code_lengths(), [8]);
    }

    #[test]
    fn a_decoy_opens_a_connection_as_a_factor_does() {
        let opened = std::rc::Rc::new(std::cell::Cell::new(0));
        let count = std::rc::Rc::clone(&opened);
        let mut decoy = Decoy::new(Some(Box::new(move |_| count.set(count.get() + 1))), 6);
        decoy.preconnect(Deadline::after(Instant::now(), Duration::from_secs(60)));
        assert_eq!(opened.get(), 1);
    }
}
