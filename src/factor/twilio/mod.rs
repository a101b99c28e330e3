//! The second factor of a person at Twilio Verify: codes by SMS and call, and codes of an app.
//!
//! A code is checked against the verification of the last start, while its ten minutes are not over,
//! and where that says no, by the person's app: one refused code, not two. Codes of the app are
//! checked by a challenge, which is counted before Twilio is asked; a further code in this login
//! updates it, and where Twilio refuses that, as it may for a restricted key, a new one is created.
//! The client checks the answers; this file decides what each means. Created by `connect`.

mod answers;

use crate::base::deadline::Deadline;
use crate::base::factor::twilio::{ChallengeSid, Lasting, VerificationSid};
use crate::base::factor::{
    Channel, Code, Error, ErrorKind, Identity, Phone, Progress, PushAnswer, PushRequest,
    SecondFactor, Sent, TwilioFactor, TwilioIdentity,
};
use crate::base::language::Language;
use crate::client::http::Transport;
use crate::client::twilio::challenges::{Challenge, Decision};
use crate::client::twilio::verifications::StartOptions;
use crate::client::twilio::{self as client, Client};
use answers::{CHALLENGES_SPENT, ended, has_ended, is_unchecked, of_start, refused, sent};

/// How many requests one code of a person can take: a check of a code that was sent to the number,
/// and an update and a new challenge of the app.
#[must_use]
pub fn requests_per_code(has_phone: bool, has_app: bool) -> u32 {
    u32::from(has_phone) + 2 * u32::from(has_app)
}

/// One person at Twilio.
pub struct Twilio<T> {
    client: Client<T>,
    phone: Option<Phone>,
    app: Option<App>,
    lasting: Lasting,
    code_digits: u8,
    /// The rate limits of the service that a start counts for: name and value.
    rate_limits: Vec<(String, String)>,
    /// The verification that this login has started.
    started: Option<VerificationSid>,
    /// The challenge of this login, which takes further codes.
    challenge: Option<ChallengeSid>,
    /// Lines for the log.
    notes: Vec<String>,
    /// Whether the last code was checked as one that was sent, and not by the app.
    was_sent: bool,
}

/// The person's app.
#[derive(Debug, Clone)]
pub struct App {
    /// Whose it is.
    pub identity: TwilioIdentity,
    /// Which one it is.
    pub factor: TwilioFactor,
}

impl App {
    /// How the audit line names the person.
    #[must_use]
    pub fn id(&self) -> Identity {
        Identity::Twilio(self.factor.as_str().into())
    }
}

/// What a check against a verification says.
enum Checked {
    /// The code is the one that was sent.
    Yes,
    /// There is no verification, and nothing was asked.
    NotAsked,
    /// The code is not the one that was sent.
    No(Error),
}

impl<T: Transport> Twilio<T> {
    /// The person with a number, an app, or both; `client` sends the requests. The codes seem to
    /// have `code_digits` digits.
    #[must_use]
    pub fn new(
        client: Client<T>,
        phone: Option<Phone>,
        app: Option<App>,
        lasting: Lasting,
        code_digits: u8,
    ) -> Self {
        Self {
            client,
            phone,
            app,
            lasting,
            code_digits,
            rate_limits: Vec::new(),
            started: None,
            challenge: None,
            notes: Vec::new(),
            was_sent: false,
        }
    }

    /// Lets each start count for rate limits of the service: unique name and value.
    #[must_use]
    pub fn with_rate_limits(self, rate_limits: Vec<(String, String)>) -> Self {
        Self {
            rate_limits,
            ..self
        }
    }

    /// Checks a code against the verification that was started last for the person's number.
    ///
    /// # Errors
    /// Anything but a yes or a no.
    fn check_sent(&mut self, code: &Code, deadline: Deadline) -> Result<Checked, Error> {
        let Some(phone) = &self.phone else {
            return Ok(Checked::NotAsked);
        };
        let kept = || self.lasting.started.find(phone);
        let Some(sid) = self.started.clone().or_else(kept) else {
            return Ok(Checked::NotAsked);
        };
        let calls = self.client.verifications();
        let checked = match calls.check(&sid, phone, code, deadline) {
            Ok(()) => Checked::Yes,
            Err(error) if has_ended(&error) => Checked::No(ended(&error)),
            Err(client::Error::Invalid { .. }) => return Ok(Checked::NotAsked),
            Err(error @ client::Error::Refused(_)) => return Ok(Checked::No(error.into())),
            Err(error) => return Err(error.into()),
        };
        self.started = None;
        self.lasting.started.forget(phone, &sid);
        Ok(checked)
    }

    /// Checks a code of the app, and uses it up.
    fn check_app(&mut self, app: &App, code: &Code, deadline: Deadline) -> Result<(), Error> {
        if !(3..=8).contains(&code.digits().len()) {
            return Err(refused("the app's codes have 3 to 8 digits"));
        }
        if self.lasting.used.is_used(&app.factor, code)? {
            return Err(refused("the code was used"));
        }
        let challenge = self.challenge(app, code, deadline)?;
        if challenge.decision != Decision::Approved {
            // Of one that is expired, no further code would be checked.
            let is_open = challenge.decision == Decision::Pending;
            self.challenge = is_open.then_some(challenge.sid);
            return Err(refused("the code is wrong"));
        }
        if self.lasting.used.use_up(&app.factor, code)? {
            Ok(())
        } else {
            Err(refused("the code was used"))
        }
    }

    /// Checks a code by the challenge of this login, or by a new one.
    fn challenge(
        &mut self,
        app: &App,
        code: &Code,
        deadline: Deadline,
    ) -> Result<Challenge, Error> {
        let (identity, factor) = (&app.identity, &app.factor);
        let mut was_asked = false;
        if let Some(sid) = self.challenge.take() {
            let calls = self.client.challenges();
            match calls.update(&sid, identity, factor, code, deadline) {
                Err(error) if is_unchecked(&error) => was_asked = true,
                Err(error @ client::Error::Refused(_)) => {
                    self.challenge = Some(sid);
                    return Err(error.into());
                }
                result => return Ok(result?),
            }
        }
        self.lasting.challenges.acquire_challenge()?;
        let calls = self.client.challenges();
        let created = calls.create(identity, factor, code, deadline);
        created.map_err(|error| {
            let is_budget = error.code() == Some(CHALLENGES_SPENT);
            let mut error = Error::from(error);
            if error.progress == Progress::NotSent {
                self.lasting.challenges.release_challenge();
            }
            if is_budget {
                // Other hosts spent it. A recovery code still works.
                error.kind = ErrorKind::Paused;
            }
            if was_asked {
                error = sent(error);
            }
            error
        })
    }
}

impl<T: Transport> SecondFactor for Twilio<T> {
    fn identity(&self) -> Option<Identity> {
        let app = self.app.as_ref().filter(|_| !self.was_sent).map(App::id);
        app.or_else(|| self.phone.as_ref().map(Identity::from))
    }

    fn code_lengths(&self) -> Vec<u8> {
        vec![self.code_digits]
    }

    fn preconnect(&mut self, deadline: Deadline) {
        self.client.preconnect(deadline);
    }

    fn verify(&mut self, code: &Code, deadline: Deadline) -> Result<(), Error> {
        let checked = self.check_sent(code, deadline);
        self.was_sent = !matches!(checked, Ok(Checked::NotAsked));
        match (checked?, self.app.clone()) {
            (Checked::Yes, _) => Ok(()),
            (Checked::NotAsked, None) => Err(refused("no code was sent within ten minutes")),
            (Checked::NotAsked, Some(app)) => self.check_app(&app, code, deadline),
            (Checked::No(error), None) => Err(error),
            (Checked::No(_), Some(app)) => {
                self.was_sent = false;
                self.check_app(&app, code, deadline).map_err(sent)
            }
        }
    }

    /// A person without a number is answered as the unenrolled are.
    fn send(
        &mut self,
        channel: Channel,
        language: Option<Language>,
        deadline: Deadline,
    ) -> Result<Sent, Error> {
        let Some(phone) = &self.phone else {
            return Ok(Sent::Sent);
        };
        let options = StartOptions::default()
            .locale(language.map(Language::as_str))
            .rate_limits(&self.rate_limits);
        let calls = self.client.verifications();
        let started = calls.start(phone, channel, &options, deadline);
        let has_limits = !self.rate_limits.is_empty();
        let sid = started.map_err(|error| of_start(error, has_limits))?.sid;
        if let Err(why) = self.lasting.started.keep(phone, &sid) {
            self.notes.push(format!(
                "the code that was sent can be typed in this call of the module alone: {why}"
            ));
        }
        self.started = Some(sid);
        Ok(Sent::Sent)
    }

    /// There is no push without an app of one's own: answered as for the unenrolled.
    fn has_app(&mut self, _: Deadline) -> Result<bool, Error> {
        Ok(true)
    }

    fn push(&mut self, _: &PushRequest, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn push_answer(&mut self, _: Deadline) -> Result<PushAnswer, Error> {
        Ok(PushAnswer::Pending)
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

#[cfg(test)]
mod tests;
