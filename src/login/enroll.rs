//! Enrolment at the prompt: a person who has just proven a factor may add an authenticator app
//! whose codes this host checks.
//!
//! The factor is proven, so a person who declines, in whatever way, is let in, and uses up no
//! attempt. A wrong first code is answered by one more try; it counts nowhere, since the person
//! knows the secret. Only a right one changes anything. Who gets an offer at all is decided by
//! `engine`, which implements [`Enrollment`]; here the proof and the time that is left are judged.
//! Everything that is typed comes from the person, and may be an attacker's with one phished code:
//! the app counts only later, and each login says so until then.
//!
//! The drawing is a part of the prompt, and no notice: OpenSSH's client cuts a notice at 1,024
//! bytes, and writes what is not ASCII in it as numbers.

use std::time::Duration;

use super::Dialog;
use crate::base::attempt::{Reason, Verdict};
use crate::base::factor::Code;
use crate::base::language::Message;
use crate::base::question::Kind;
use crate::base::secret::Secret;
use crate::base::utc;
use crate::store::config::Notices;

/// How much time the login must have left for an offer: to open an app, scan a code and type one.
pub const OFFER_TIME: Duration = Duration::from_secs(60);
/// How often the first code can be typed.
const TRIES: u32 = 2;

/// The app that is offered, as the login sees it.
pub trait Enrollment {
    /// Whether an app could be stored now. Asked once the factor is proven.
    fn is_possible(&mut self) -> bool;

    /// A new secret, drawn in this way and as text; `None` where the system has no random number.
    fn begin(&mut self, drawing: Drawing) -> Option<Secret>;

    /// Checks the first code of the new app, uses it up, and stores the app. Counts nothing.
    fn confirm(&mut self, code: &Code) -> Confirmed;
}

/// How the QR code of a secret is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// In half blocks, which need UTF-8, in 39 columns.
    HalfBlocks,
    /// In ASCII, in 78 columns.
    Ascii,
    /// Not at all.
    None,
}

impl Drawing {
    /// The drawing that the person asks for; `None` for what is no word of the offer.
    fn of(typed: &str) -> Option<Self> {
        let words = [
            ("qr", Self::HalfBlocks),
            ("ascii", Self::Ascii),
            ("key", Self::None),
        ];
        let typed = typed.trim();
        let found = words
            .iter()
            .find(|(word, _)| typed.eq_ignore_ascii_case(word));
        found.map(|(_, drawing)| *drawing)
    }
}

/// What came of the first code of a new app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The app is stored, and counts from this time on, in seconds since 1970.
    Stored(u64),
    /// The code is wrong.
    Wrong,
    /// The app could not be stored.
    Failed,
}

impl Dialog<'_> {
    /// Offers an app to a person whose factor is proven, for `reason`, where all allows it. Returns
    /// the end of the login where the conversation fails, the deadline passes or the application
    /// changes the user meanwhile.
    pub(super) fn offer_app(&mut self, reason: Reason) -> Result<(), (Verdict, Reason)> {
        if !self.may_offer(reason) {
            return Ok(());
        }
        // A push that is still on the phone is of no use any more.
        self.pushes.pending = None;
        self.queue_notice(Message::EnrollOffer);
        let prompt = self.login.messages.text(Message::PromptEnroll);
        let typed = self.read(Kind::Code, prompt, true)?;
        let Some(drawing) = typed.and_then(|typed| Drawing::of(typed.expose())) else {
            return Ok(());
        };
        let begun = self.login.enrollment.as_mut();
        let Some(shown) = begun.and_then(|enrollment| enrollment.begin(drawing)) else {
            self.enrolled = Some(self.login.messages.text(Message::EnrollFailed));
            return Ok(());
        };
        let result = self.ask_first_code(drawing, &shown)?;
        let messages = self.login.messages;
        self.enrolled = Some(match result {
            Confirmed::Stored(until) => messages.text_with(Message::EnrollDone, &utc::shown(until)),
            Confirmed::Wrong => messages.text(Message::EnrollNot),
            Confirmed::Failed => messages.text(Message::EnrollFailed),
        });
        Ok(())
    }

    /// Whether the proof and the time that is left allow an offer. A code of an SMS or call proves
    /// a number, which may be stolen, and not that the person has an app.
    fn may_offer(&mut self, reason: Reason) -> bool {
        let login = &mut self.login;
        let is_proof = match reason {
            Reason::PushApproved => true,
            Reason::CodeAccepted => !login.limits.sent_lately(),
            _ => false,
        };
        is_proof
            && login.rules.notices() == Notices::Message
            && login.deadline.remaining(login.clock.now()) >= OFFER_TIME
            && (login.enrollment.as_mut()).is_some_and(|enrollment| enrollment.is_possible())
    }

    /// Asks for the first code, below what the app needs, until it is right or declined.
    fn ask_first_code(
        &mut self,
        drawing: Drawing,
        shown: &Secret,
    ) -> Result<Confirmed, (Verdict, Reason)> {
        let messages = self.login.messages;
        let how = messages.text(match drawing {
            Drawing::HalfBlocks | Drawing::Ascii => Message::EnrollScan,
            Drawing::None => Message::EnrollKey,
        });
        let ask = messages.text(Message::PromptEnrollCode);
        let mut prompt = format!("{how}\n{}\n{ask}", shown.expose());
        for left in (0..TRIES).rev() {
            let typed = self.read(Kind::Code, prompt, self.login.rules.echo)?;
            let text = typed.as_ref().map(|typed| typed.expose().trim());
            if text.is_none_or(str::is_empty) {
                return Ok(Confirmed::Wrong);
            }
            let code = text.and_then(|text| text.parse::<Code>().ok());
            let enrollment = self.login.enrollment.as_mut();
            let confirmed = code.zip(enrollment);
            let confirmed = confirmed.map_or(Confirmed::Wrong, |(code, enrollment)| {
                enrollment.confirm(&code)
            });
            if confirmed != Confirmed::Wrong || left == 0 {
                return Ok(confirmed);
            }
            self.queue_notice(Message::EnrollWrong);
            prompt = ask.clone();
        }
        Ok(Confirmed::Wrong)
    }
}
