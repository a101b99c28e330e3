//! The second factor of a person at Authy: translates between [`SecondFactor`] and Authy's client.
//!
//! The client checks the answers of the service; this file decides what each error means for a
//! login. Created by `connect` and called by `login`.

use std::time::{Duration, Instant};

use crate::base::deadline::Deadline;
use crate::base::factor::{
    AuthyId, Channel, Code, Error, ErrorKind, Identity, Progress, PushAnswer, PushRequest,
    SecondFactor, Sent,
};
use crate::base::language::Language;
use crate::client::authy::approvals::{Decision, Request};
use crate::client::authy::tokens::{SendOptions, VerifyOptions};
use crate::client::authy::types::{Token, Uuid};
use crate::client::authy::{self as client, Cause, Client};
use crate::client::http::Transport;

/// The longest wait between two questions about a push that Authy may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The digits of a code of the Authy app, and of one that Authy sends.
const CODE_LENGTH: u8 = 7;

/// One person at Authy.
#[derive(Debug)]
pub struct Authy<T> {
    client: Client<T>,
    id: AuthyId,
    /// The last push.
    push: Option<Uuid>,
    /// When Authy wants to be asked about it again.
    next_question: Option<Instant>,
}

impl<T: Transport> Authy<T> {
    /// The person with the number `id`; `client` sends the requests.
    #[must_use]
    pub fn new(client: Client<T>, id: AuthyId) -> Self {
        Self {
            client,
            id,
            push: None,
            next_question: None,
        }
    }
}

impl<T: Transport> SecondFactor for Authy<T> {
    fn identity(&self) -> Option<Identity> {
        Some(Identity::Authy(self.id))
    }

    fn code_lengths(&self) -> Vec<u8> {
        vec![CODE_LENGTH]
    }

    fn preconnect(&mut self, deadline: Deadline) {
        self.client.preconnect(deadline);
    }

    fn verify(&mut self, code: &Code, deadline: Deadline) -> Result<(), Error> {
        let token: Token = code.digits().parse().map_err(|_| not_a_token())?;
        let options = VerifyOptions::default();
        let tokens = self.client.tokens();
        Ok(tokens.verify(self.id, &token, &options, deadline)?)
    }

    fn send(
        &mut self,
        channel: Channel,
        language: Option<Language>,
        deadline: Deadline,
    ) -> Result<Sent, Error> {
        let options = SendOptions {
            locale: language.map(Language::as_str),
            ..SendOptions::default()
        };
        let tokens = self.client.tokens();
        let delivery = match channel {
            Channel::Sms => tokens.sms(self.id, &options, deadline)?,
            Channel::Call => tokens.call(self.id, &options, deadline)?,
        };
        Ok(if delivery.ignored {
            Sent::UseApp
        } else {
            Sent::Sent
        })
    }

    fn has_app(&mut self, deadline: Deadline) -> Result<bool, Error> {
        Ok(self.client.users().status(self.id, deadline)?.registered)
    }

    fn push(&mut self, request: &PushRequest, deadline: Deadline) -> Result<(), Error> {
        let request = Request {
            message: &request.message,
            details: &request.details,
            seconds_to_expire: Some(request.seconds),
            ..Request::default()
        };
        (self.push, self.next_question) = (None, None);
        let approvals = self.client.approvals();
        self.push = Some(approvals.create(self.id, &request, deadline)?);
        Ok(())
    }

    fn push_answer(&mut self, deadline: Deadline) -> Result<PushAnswer, Error> {
        let Some(push) = &self.push else {
            return Ok(PushAnswer::Expired);
        };
        if self.next_question.is_some_and(|next| Instant::now() < next) {
            return Ok(PushAnswer::Pending);
        }
        let status = match self.client.approvals().status(self.id, push, deadline) {
            Err(client::Error::RateLimited(refusal)) => {
                let wait = refusal.retry_after_seconds.map(Duration::from_secs);
                let Some(wait) = wait.filter(|wait| *wait <= LONGEST_WAIT) else {
                    return Err(client::Error::RateLimited(refusal).into());
                };
                self.next_question = Some(Instant::now() + wait);
                return Ok(PushAnswer::Pending);
            }
            status => status?,
        };
        Ok(match status.decision {
            Decision::Pending => PushAnswer::Pending,
            Decision::Approved => PushAnswer::Approved,
            Decision::Denied => PushAnswer::Denied,
            Decision::Expired => PushAnswer::Expired,
        })
    }
}

/// The error for a code that Authy's API does not accept as a token: it is wrong without a request.
/// It counts as any wrong code does, since pauses would tell otherwise who is enrolled.
fn not_a_token() -> Error {
    Error {
        kind: ErrorKind::Refused,
        code: None,
        detail: "an Authy code is 6 to 12 digits".to_owned(),
        progress: Progress::Answered,
    }
}

impl From<client::Error> for Error {
    fn from(error: client::Error) -> Self {
        use client::Error as Client;
        let kind = match &error {
            Client::Refused(_) => ErrorKind::Refused,
            Client::PersonRefused(_) => ErrorKind::PersonRefused,
            Client::NotFound(_) => ErrorKind::PersonUnknown,
            Client::RateLimited(_) => ErrorKind::RateLimited,
            Client::KeyRefused(_) => ErrorKind::KeyRefused,
            Client::NotAllowed(_) => ErrorKind::ApplicationRefused,
            Client::Unexpected(_) => ErrorKind::Unexpected,
            Client::UntrustedServer(_) => ErrorKind::UntrustedServer,
            Client::ServerError(_) | Client::Unavailable(_) => ErrorKind::Unavailable,
            Client::Local(_) | Client::Invalid { .. } => ErrorKind::Configuration,
            Client::Process(_) => ErrorKind::Process,
        };
        let progress = match &error {
            Client::Unavailable(Cause::NoConnection(_))
            | Client::UntrustedServer(_)
            | Client::Local(_)
            | Client::Invalid { .. } => Progress::NotSent,
            // This host may have lacked something only when the answer was read. An answer that
            // makes no sense, or of a gateway, does not say that nothing was done.
            Client::Process(_)
            | Client::ServerError(_)
            | Client::Unavailable(_)
            | Client::Unexpected(_) => Progress::Unanswered,
            _ => Progress::Answered,
        };
        let wait = error
            .refusal()
            .and_then(|refusal| refusal.retry_after_seconds);
        Self {
            kind,
            code: error.code(),
            progress,
            detail: Self::detail_of(&error, wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::authy::scripted::{client, later};

    #[test]
    fn every_request_is_about_the_person_of_the_factor() {
        let push = r#"{"success":true,"approval_request":{"uuid":"00000000-1111"}}"#;
        let answers = [
            (401, "{}"),
            (401, "{}"),
            (401, "{}"),
            (401, "{}"),
            (200, push),
            (401, "{}"),
        ];
        let mut authy = Authy::new(client(&answers), "1635".parse().unwrap());
        let request = PushRequest {
            message: "?".into(),
            details: vec![],
            seconds: 40,
        };
        let _ = authy.verify(&"1234567".parse().unwrap(), later());
        let _ = authy.send(Channel::Sms, Some(Language::De), later());
        let _ = authy.send(Channel::Call, None, later());
        let _ = authy.has_app(later());
        authy.push(&request, later()).unwrap();
        let _ = authy.push_answer(later());

        let asked = authy.client.asked();
        let paths = [
            "/protected/json/verify/1234567/1635",
            "/protected/json/sms/1635",
            "/protected/json/call/1635",
            "/protected/json/users/1635/status",
            "/onetouch/json/users/1635/approval_requests",
            "/onetouch/json/approval_requests/00000000-1111",
        ];
        let wrong: Vec<_> = paths
            .iter()
            .zip(&asked)
            .filter(|(path, asked)| !asked.contains(*path))
            .collect();
        assert!(wrong.is_empty() && asked.len() == paths.len(), "{asked:?}");
    }

    #[test]
    fn a_code_that_authy_cannot_have_is_refused_without_a_request_and_counts() {
        let mut authy = Authy::new(client(&[]), "1635".parse().unwrap());
        for digits in ["123", "12345"] {
            let refused = authy.verify(&digits.parse().unwrap(), later()).unwrap_err();
            let expected = (ErrorKind::Refused, Progress::Answered);
            assert_eq!((refused.kind, refused.progress), expected);
        }
        assert!(authy.client.asked().is_empty());
    }

    #[test]
    fn only_a_missing_answer_is_unavailable() {
        let answers = [
            (200, "", ErrorKind::Unavailable),
            (500, "", ErrorKind::Unavailable),
            (200, "{}", ErrorKind::Unexpected),
            (404, "<html>", ErrorKind::Unexpected),
            (
                401,
                r#"{"success":false,"error_code":"60020"}"#,
                ErrorKind::Refused,
            ),
            (
                401,
                r#"{"success":false,"error_code":"60001"}"#,
                ErrorKind::KeyRefused,
            ),
            (403, "", ErrorKind::ApplicationRefused),
            (
                404,
                r#"{"success":false,"error_code":"60026"}"#,
                ErrorKind::PersonUnknown,
            ),
            (429, "", ErrorKind::RateLimited),
            (
                503,
                r#"{"message":"User has been suspended."}"#,
                ErrorKind::PersonRefused,
            ),
            (
                503,
                r#"{"message":"x","error_code":"60060"}"#,
                ErrorKind::ApplicationRefused,
            ),
        ];
        let mut wrong = Vec::new();
        for (status, body, expected) in answers {
            let id = "1635".parse().unwrap();
            let mut authy = Authy::new(client(&[(status, body)]), id);
            let code = "1234567".parse().unwrap();
            let kind = authy.verify(&code, later()).map_err(|error| error.kind);
            if kind != Err(expected) {
                wrong.push(format!("{status} {body}: {kind:?}, not {expected:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn only_a_connection_that_was_not_opened_or_not_trusted_carried_no_byte_of_the_request() {
        let unavailable = client::Error::Unavailable;
        let rows = [
            (unavailable(Cause::TimedOut), Progress::Unanswered),
            (
                unavailable(Cause::Connection("broke".into())),
                Progress::Unanswered,
            ),
            (
                client::Error::Process("no memory".into()),
                Progress::Unanswered,
            ),
            (
                unavailable(Cause::NoConnection("refused".into())),
                Progress::NotSent,
            ),
            (
                client::Error::UntrustedServer("wrong name".into()),
                Progress::NotSent,
            ),
            (client::Error::Local("no CA file".into()), Progress::NotSent),
            // A gateway answers so, while the message is on its way.
            (
                client::Error::ServerError(client::Refusal::default()),
                Progress::Unanswered,
            ),
            (
                unavailable(Cause::Malformed("html".into())),
                Progress::Unanswered,
            ),
            (
                client::Error::Unexpected(client::Refusal::default()),
                Progress::Unanswered,
            ),
            (
                client::Error::Refused(client::Refusal::default()),
                Progress::Answered,
            ),
            (
                client::Error::RateLimited(client::Refusal::default()),
                Progress::Answered,
            ),
        ];
        let wrong: Vec<_> = rows
            .map(|(error, expected)| (Error::from(error), expected))
            .into_iter()
            .filter(|(error, expected)| error.progress != *expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
