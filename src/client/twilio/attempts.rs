//! What was sent for the service, and how much of it was confirmed.
//!
//! Source: Twilio Verify API, `/v2/Attempts` and `/v2/Attempts/Summary`. Logins by apps are not
//! counted there. These calls are the administrator's.

use serde_json::Value;

use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::Phone;
use crate::base::factor::twilio::VerificationSid;
use crate::client::http::Transport;

/// Calls about what was sent; created by [`Client::attempts`].
#[derive(Debug)]
pub struct Attempts<'a, T>(pub(super) &'a Client<T>);

/// A code that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The verification for which it was sent.
    pub verification: Option<VerificationSid>,
    /// Twilio's channel, such as `sms` or `call`.
    pub channel: String,
    /// Whether the code was typed: Twilio's `converted`.
    pub is_converted: bool,
    /// When it was sent, as Twilio writes it.
    pub created: Option<String>,
}

/// The number of codes that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// All of them.
    pub total: u64,
    /// Those that were typed.
    pub converted: u64,
    /// The others.
    pub unconverted: u64,
}

impl<T: Transport> Attempts<'_, T> {
    /// Returns the codes that were sent since `since` (RFC 3339), to `to` where it is given. Blocks
    /// for the time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(
        &self,
        since: Option<&str>,
        to: Option<&Phone>,
        deadline: Deadline,
    ) -> Result<Vec<Attempt>, Error> {
        let mut query = self.query(since);
        query.extend(to.map(|to| ("ChannelData.To", to.as_str())));
        self.0
            .list("/v2/Attempts", &query, "attempts", deadline, |reply| {
                reply.require(&[("service_sid", self.0.service.as_str())])?;
                Ok(read(reply))
            })
    }

    /// Returns how many codes were sent since `since` (RFC 3339). Blocks for the time-out or until
    /// `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn summary(&self, since: Option<&str>, deadline: Deadline) -> Result<Summary, Error> {
        let query = self.query(since);
        let reply = self.0.get("/v2/Attempts/Summary", &query, deadline)?;
        let number = |name: &str| {
            let number = reply.get(name).and_then(Value::as_u64);
            number.ok_or_else(|| reply.unexpected(&format!("no `{name}` in the answer")))
        };
        Ok(Summary {
            total: number("total_attempts")?,
            converted: number("total_converted")?,
            unconverted: number("total_unconverted")?,
        })
    }

    fn query<'a>(&'a self, since: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
        let mut query = vec![("VerifyServiceSid", self.0.service.as_str())];
        query.extend(since.map(|since| ("DateCreatedAfter", since)));
        query
    }
}

fn read(reply: &Reply) -> Attempt {
    Attempt {
        verification: reply.id("verification_sid").ok(),
        channel: reply.text("channel").unwrap_or_default(),
        is_converted: reply.text("conversion_status").as_deref() == Some("converted"),
        created: reply.text("date_created"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later, sid};

    #[test]
    fn attempts_and_their_number_are_those_of_the_service() {
        let attempt = |status: &str| {
            let (service, verification) = (sid("VA"), sid("VE"));
            format!(
                r#"{{"service_sid":"{service}","verification_sid":"{verification}","channel":"sms",
                "conversion_status":"{status}","price":null}}"#
            )
        };
        let list = format!(
            r#"{{"attempts":[{},{}],"meta":{{}}}}"#,
            attempt("converted"),
            attempt("unconverted")
        );
        let summary = r#"{"total_attempts":3,"total_converted":2,"total_unconverted":1,
            "conversion_rate_percentage":"66.67"}"#;
        let client = client(&[(200, list.as_str()), (200, summary), (200, "{}")]);
        let since = Some("2026-11-01T00:00:00Z");
        let to = "+15551234567".parse().unwrap();
        let found = client.attempts().list(since, Some(&to), later()).unwrap();
        assert_eq!(found[0].verification, sid("VE").parse().ok());
        assert_eq!(
            [found[0].is_converted, found[1].is_converted],
            [true, false]
        );
        let summary = client.attempts().summary(None, later()).unwrap();
        assert_eq!((summary.total, summary.converted), (3, 2));
        assert!(client.attempts().summary(None, later()).is_err());
        let service = sid("VA");
        assert_eq!(
            client.asked()[..2],
            [
                format!(
                    "Get https://verify.test/v2/Attempts?PageSize=20&VerifyServiceSid={service}\
                     &DateCreatedAfter=2026-11-01T00%3A00%3A00Z&ChannelData.To=%2B15551234567"
                ),
                format!("Get https://verify.test/v2/Attempts/Summary?VerifyServiceSid={service}"),
            ]
        );
    }
}
