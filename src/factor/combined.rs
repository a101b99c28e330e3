//! A person's app on this host, together with their factor at a provider.
//!
//! A code is checked here first, and then by the provider, unless it was right here. Without a
//! provider, `other` is a decoy: what is sent or pushed is then answered as for an unenrolled user.
//! Created by `connect`.

use super::totp::{Checked, Totp};
use crate::base::deadline::Deadline;
use crate::base::factor::{
    Channel, Code, Error, ErrorKind, Identity, Progress, PushAnswer, PushRequest, SecondFactor,
    Sent,
};
use crate::base::language::Language;

/// The factors of one person who has an app on this host.
pub(super) struct Combined {
    totp: Totp,
    other: Box<dyn SecondFactor>,
    /// Whether the app was the one that was asked last.
    was_totp: bool,
}

impl Combined {
    /// The app, and a factor at a provider or a decoy.
    pub(super) fn new(totp: Totp, other: Box<dyn SecondFactor>) -> Self {
        Self {
            totp,
            was_totp: false,
            other,
        }
    }

    fn has_provider(&self) -> bool {
        self.other.identity().is_some()
    }

    /// Asks the provider about a code that was not accepted here; `was_checked` says whether it was
    /// checked here.
    fn verify_elsewhere(
        &mut self,
        code: &Code,
        deadline: Deadline,
        was_checked: bool,
    ) -> Result<(), Error> {
        self.was_totp = false;
        match self.other.verify(code, deadline) {
            Ok(()) => {
                // A code that was not checked here was not counted here either.
                if was_checked {
                    self.totp.accepted_elsewhere();
                }
                Ok(())
            }
            // It was refused here, so it counts, whether the provider got it or not.
            Err(error) if was_checked && error.progress == Progress::NotSent => Err(Error {
                progress: Progress::Answered,
                ..error
            }),
            Err(error) => Err(error),
        }
    }
}

impl SecondFactor for Combined {
    fn identity(&self) -> Option<Identity> {
        if self.was_totp || !self.has_provider() {
            Some(Identity::Totp(self.totp.name().to_owned()))
        } else {
            self.other.identity()
        }
    }

    fn code_lengths(&self) -> Vec<u8> {
        let mut lengths = vec![self.totp.digits()];
        if self.has_provider() {
            let others = self.other.code_lengths();
            lengths.extend(others.into_iter().filter(|one| *one != self.totp.digits()));
        }
        lengths
    }

    fn preconnect(&mut self, deadline: Deadline) {
        self.other.preconnect(deadline);
    }

    fn verify(&mut self, code: &Code, deadline: Deadline) -> Result<(), Error> {
        self.was_totp = true;
        let (error, was_checked) = match self.totp.check(code) {
            Checked::Accepted => return Ok(()),
            // A provider may have the same secret, and would accept the code once more.
            Checked::Used => return Err(refused("the code was used")),
            Checked::Refused => (refused("the code is wrong"), true),
            Checked::NotMine => (refused("the code has another number of digits"), false),
            Checked::Failed(error) if error.kind == ErrorKind::Paused => (error, false),
            Checked::Failed(error) => return Err(error),
        };
        if !self.has_provider() {
            return Err(error);
        }
        if error.kind == ErrorKind::Paused {
            self.totp.note(error.detail);
        }
        self.verify_elsewhere(code, deadline, was_checked)
    }

    fn send(
        &mut self,
        channel: Channel,
        language: Option<Language>,
        deadline: Deadline,
    ) -> Result<Sent, Error> {
        self.other.send(channel, language, deadline)
    }

    fn has_app(&mut self, deadline: Deadline) -> Result<bool, Error> {
        self.other.has_app(deadline)
    }

    fn push(&mut self, request: &PushRequest, deadline: Deadline) -> Result<(), Error> {
        self.other.push(request, deadline)
    }

    fn push_answer(&mut self, deadline: Deadline) -> Result<PushAnswer, Error> {
        let answer = self.other.push_answer(deadline)?;
        if matches!(answer, PushAnswer::Approved | PushAnswer::Denied) {
            self.was_totp = false;
        }
        Ok(answer)
    }

    fn notes(&self) -> Vec<String> {
        [self.totp.notes(), self.other.notes()].concat()
    }
}

/// The error for a code that was refused here. It counts, also one with a wrong number of digits:
/// otherwise pauses would tell how many digits the codes of a person have.
fn refused(why: &str) -> Error {
    Error {
        kind: ErrorKind::Refused,
        code: None,
        detail: why.to_owned(),
        progress: Progress::Answered,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::{Duration, Instant, UNIX_EPOCH};

    use super::super::decoy::Decoy;
    use super::super::totp::tests::{FakeCodes, code, now, totp};
    use super::*;
    use crate::base::factor::AuthyId;

    /// A provider that answers as a script says, and notes what it was asked.
    struct FakeProvider {
        answers: Vec<Result<(), Error>>,
        asked: Rc<RefCell<Vec<String>>>,
    }

    impl SecondFactor for FakeProvider {
        fn identity(&self) -> Option<Identity> {
            Some(Identity::Authy(AuthyId::try_from(1635_u64).unwrap()))
        }
        fn code_lengths(&self) -> Vec<u8> {
            vec![7]
        }
        fn verify(&mut self, code: &Code, _: Deadline) -> Result<(), Error> {
            self.asked.borrow_mut().push(code.digits().to_owned());
            self.answers.pop().unwrap()
        }
        fn send(&mut self, _: Channel, _: Option<Language>, _: Deadline) -> Result<Sent, Error> {
            Ok(Sent::UseApp)
        }
        fn has_app(&mut self, _: Deadline) -> Result<bool, Error> {
            Ok(false)
        }
        fn push(&mut self, _: &PushRequest, _: Deadline) -> Result<(), Error> {
            Ok(())
        }
        fn push_answer(&mut self, _: Deadline) -> Result<PushAnswer, Error> {
            Ok(PushAnswer::Approved)
        }
    }

    struct Host {
        folder: tempfile::TempDir,
        codes: FakeCodes,
        asked: Rc<RefCell<Vec<String>>>,
    }

    impl Host {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                codes: FakeCodes::default(),
                asked: Rc::default(),
            }
        }
        fn totp(&self) -> Totp {
            totp(&self.folder.path().join("state"), &self.codes)
        }
        fn alone(&self) -> Combined {
            Combined::new(self.totp(), Box::new(Decoy::new(None, 6)))
        }
        fn with(&self, answers: Vec<Result<(), Error>>) -> Combined {
            let asked = Rc::clone(&self.asked);
            Combined::new(self.totp(), Box::new(FakeProvider { answers, asked }))
        }
        fn counted(&self) -> Vec<&'static str> {
            self.codes.counted.take()
        }
    }

    fn later() -> Deadline {
        Deadline::after(Instant::now(), Duration::from_secs(60))
    }

    fn right() -> Code {
        code(now().duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    fn wrong() -> Code {
        "000000".parse().unwrap()
    }

    fn error(kind: ErrorKind, progress: Progress) -> Error {
        Error {
            kind,
            code: Some(60020),
            detail: "why".into(),
            progress,
        }
    }

    fn bob() -> Option<Identity> {
        Some(Identity::Totp("bob".into()))
    }

    #[test]
    fn a_code_that_is_right_here_is_sent_nowhere() {
        let host = Host::new();
        let mut factor = host.with(vec![]);
        assert_eq!(factor.verify(&right(), later()), Ok(()));
        assert_eq!(factor.identity(), bob());
        assert!(host.asked.borrow().is_empty());
        assert_eq!(host.counted(), ["acquire", "release"]);
    }

    #[test]
    fn a_code_that_the_provider_accepts_counts_as_refused_by_none() {
        let host = Host::new();
        let mut factor = host.with(vec![Ok(())]);
        assert_eq!(factor.verify(&wrong(), later()), Ok(()));
        assert_eq!(factor.identity().unwrap().provider(), Some("authy"));
        assert_eq!(*host.asked.borrow(), ["000000"]);
        assert_eq!(host.counted(), ["acquire", "release"]);
    }

    /// Twilio may have the same secret, and accept the code once more.
    #[test]
    fn a_code_that_was_used_here_is_not_sent_to_the_provider() {
        let host = Host::new();
        let mut factor = host.with(vec![Ok(())]);
        assert_eq!(factor.verify(&right(), later()), Ok(()));
        let used = factor.verify(&right(), later()).unwrap_err();
        assert_eq!(used.kind, ErrorKind::Refused);
        assert!(host.asked.borrow().is_empty());
        assert_eq!(host.counted(), ["acquire", "release", "acquire"]);
    }

    #[test]
    fn a_code_that_both_refuse_is_one_refusal_and_has_the_providers_code() {
        let host = Host::new();
        let refused = error(ErrorKind::Refused, Progress::Answered);
        let mut factor = host.with(vec![Err(refused.clone())]);
        assert_eq!(factor.verify(&wrong(), later()), Err(refused));
        assert_eq!(host.counted(), ["acquire"]);
    }

    #[test]
    fn an_accepted_code_that_was_not_checked_here_takes_back_no_earlier_refusal() {
        let host = Host::new();
        let refused = error(ErrorKind::Refused, Progress::Answered);
        let mut factor = host.with(vec![Ok(()), Err(refused.clone())]);
        assert_eq!(factor.verify(&wrong(), later()), Err(refused));
        let seven = "1234567".parse().unwrap();
        assert_eq!(factor.verify(&seven, later()), Ok(()));
        assert_eq!(host.counted(), ["acquire"]);
    }

    /// A guess would have been free while the provider cannot be reached.
    #[test]
    fn a_code_that_was_refused_here_counts_even_if_no_byte_reached_the_provider() {
        let host = Host::new();
        let unsent = error(ErrorKind::Unavailable, Progress::NotSent);
        let mut factor = host.with(vec![Err(unsent.clone()), Err(unsent.clone())]);
        let refused = factor.verify(&wrong(), later()).unwrap_err();
        assert_eq!(refused.progress, Progress::Answered);
        assert_eq!(refused.kind, ErrorKind::Unavailable);
        let seven = "1234567".parse().unwrap();
        assert_eq!(factor.verify(&seven, later()), Err(unsent));
    }

    #[test]
    fn a_pause_of_the_app_leaves_the_provider_and_is_in_the_log() {
        let paused = error(ErrorKind::Paused, Progress::NotSent);
        let host = Host::new();
        *host.codes.error.borrow_mut() = Some(paused.clone());
        let mut factor = host.with(vec![Ok(())]);
        assert_eq!(factor.verify(&right(), later()), Ok(()));
        assert_eq!(factor.notes(), ["why"]);
        let mut alone = host.alone();
        assert_eq!(alone.verify(&right(), later()), Err(paused));
    }

    #[test]
    fn a_code_that_cannot_be_recorded_is_not_sent_either() {
        let host = Host::new();
        std::fs::write(host.folder.path().join("state"), "").unwrap();
        let mut factor = host.with(vec![]);
        let failed = factor.verify(&right(), later()).unwrap_err();
        assert_eq!(failed.kind, ErrorKind::State);
    }

    #[test]
    fn without_a_provider_words_are_answered_as_for_an_unenrolled_user() {
        let host = Host::new();
        let mut factor = host.alone();
        assert_eq!(factor.send(Channel::Sms, None, later()), Ok(Sent::Sent));
        assert_eq!(factor.has_app(later()), Ok(true));
        assert_eq!(factor.push_answer(later()), Ok(PushAnswer::Pending));
        assert_eq!(factor.identity(), bob());
        let refused = factor.verify(&wrong(), later()).unwrap_err();
        assert_eq!((refused.kind, refused.code), (ErrorKind::Refused, None));
        assert_eq!(factor.code_lengths(), [6]);
    }

    #[test]
    fn pushes_and_messages_are_those_of_the_provider() {
        let host = Host::new();
        let mut factor = host.with(vec![]);
        assert_eq!(factor.send(Channel::Sms, None, later()), Ok(Sent::UseApp));
        assert_eq!(factor.has_app(later()), Ok(false));
        assert_eq!(factor.push_answer(later()), Ok(PushAnswer::Approved));
        assert_eq!(factor.identity().unwrap().provider(), Some("authy"));
        assert_eq!(factor.code_lengths(), [6, 7]);
    }
}
