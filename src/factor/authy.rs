//! [`Provider`] over Authy's API: the only user of the client in the library.

use super::{Channel, Error, ErrorKind, Provider, PushAnswer, PushRequest, Sent};
use crate::base::deadline::Deadline;
use crate::client::authy::approvals::{Decision, Request};
use crate::client::authy::tokens::{SendOptions, VerifyOptions};
use crate::client::authy::types::{AuthyId, Token, Uuid};
use crate::client::authy::{self as client, Cause, Client};
use crate::client::http::Transport;
use crate::messages::Language;

/// Authy as a provider.
#[derive(Debug)]
pub struct Authy<T>(Client<T>);

impl<T: Transport> Authy<T> {
    /// Asks through `client`.
    #[must_use]
    pub fn new(client: Client<T>) -> Self {
        Self(client)
    }
}

impl<T: Transport> Provider for Authy<T> {
    fn preconnect(&mut self, deadline: Deadline) {
        self.0.preconnect(deadline);
    }

    fn verify(&mut self, id: AuthyId, token: &Token, deadline: Deadline) -> Result<(), Error> {
        Ok(self
            .0
            .tokens()
            .verify(id, token, &VerifyOptions::default(), deadline)?)
    }

    fn send(
        &mut self,
        channel: Channel,
        id: AuthyId,
        language: Option<Language>,
        deadline: Deadline,
    ) -> Result<Sent, Error> {
        let how = SendOptions {
            locale: language.map(Language::as_str),
            ..SendOptions::default()
        };
        let tokens = self.0.tokens();
        let delivery = match channel {
            Channel::Sms => tokens.sms(id, &how, deadline)?,
            Channel::Call => tokens.call(id, &how, deadline)?,
        };
        Ok(if delivery.ignored {
            Sent::UseApp
        } else {
            Sent::Sent
        })
    }

    fn has_app(&mut self, id: AuthyId, deadline: Deadline) -> Result<bool, Error> {
        Ok(self.0.users().status(id, deadline)?.registered)
    }

    fn push(
        &mut self,
        id: AuthyId,
        question: &PushRequest,
        deadline: Deadline,
    ) -> Result<Uuid, Error> {
        let request = Request {
            message: &question.message,
            details: &question.details,
            seconds_to_expire: Some(question.seconds),
            ..Request::default()
        };
        Ok(self.0.approvals().create(id, &request, deadline)?)
    }

    fn answer(
        &mut self,
        id: AuthyId,
        push: &Uuid,
        deadline: Deadline,
    ) -> Result<PushAnswer, Error> {
        let status = self
            .0
            .approvals()
            .status(push, deadline)?
            .belonging_to(id)?;
        Ok(match status.decision {
            Decision::Pending => PushAnswer::Pending,
            Decision::Approved => PushAnswer::Approved,
            Decision::Denied => PushAnswer::Denied,
            Decision::Expired => PushAnswer::Expired,
        })
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
            Client::UntrustedServer(_) => ErrorKind::UntrustedServer,
            Client::Unavailable(_) => ErrorKind::Unavailable,
            Client::Local(_) | Client::Invalid { .. } => ErrorKind::Configuration,
            Client::Process(_) => ErrorKind::Process,
        };
        let maybe_delivered = match &error {
            Client::Unavailable(cause) => matches!(cause, Cause::TimedOut | Cause::Connection(_)),
            Client::Process(_) => true,
            _ => false,
        };
        let code = error.refusal().and_then(|refusal| refusal.code);
        Self {
            kind,
            code,
            maybe_delivered,
            detail: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::authy::scripted::{client, later};

    #[test]
    fn only_a_missing_answer_is_unavailable() {
        let answers = [
            (200, "{}", ErrorKind::Unavailable),
            (500, "", ErrorKind::Unavailable),
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
        for (status, body, kind) in answers {
            let mut authy = Authy::new(client(&[(status, body)]));
            let token = "1234567".parse().unwrap();
            let error = authy
                .verify("1635".parse().unwrap(), &token, later())
                .unwrap_err();
            assert_eq!(error.kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn what_left_and_got_no_answer_may_be_done_and_nothing_else() {
        let unavailable = client::Error::Unavailable;
        let lost = [
            unavailable(Cause::TimedOut),
            unavailable(Cause::Connection("broke".into())),
            client::Error::Process("stopped".into()),
        ];
        let certain = [
            unavailable(Cause::NoConnection("no answer in time".into())),
            unavailable(Cause::ServerError(503)),
            client::Error::Refused(client::Refusal::default()),
            client::Error::UntrustedServer("wrong name".into()),
        ];
        let maybe_delivered = |error: client::Error| Error::from(error).maybe_delivered;
        assert!(lost.into_iter().all(maybe_delivered));
        assert!(!certain.into_iter().any(maybe_delivered));
    }
}
