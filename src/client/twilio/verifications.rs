//! Codes that are sent by SMS or read out in a call: start, check, fetch, cancel.
//!
//! Source: Twilio Verify API, `/v2/Services/{VA}/Verifications` and
//! `/v2/Services/{VA}/VerificationCheck`. Within ten minutes a second start to the same number
//! brings the same SID and the same code. A code is checked against the SID of its start, so that no
//! code of another login counts. No check is ever repeated: the second one is answered by 404.

use super::error::invalid;
use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::twilio::VerificationSid;
use crate::base::factor::{Channel, Code, Phone};
use crate::client::http::Transport;

/// Calls about verifications; created by [`Client::verifications`].
#[derive(Debug)]
pub struct Verifications<'a, T>(pub(super) &'a Client<T>);

/// A code that was sent to a number.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verification {
    /// The SID, against which the code is checked.
    pub sid: VerificationSid,
    /// Twilio's status, such as `pending`, `approved` or `canceled`.
    pub status: String,
    /// How often the code was sent; Twilio allows five.
    pub sends: usize,
}

/// What a start may say besides number and channel.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct StartOptions<'a> {
    /// The language; `None`: that of the number's country.
    pub locale: Option<&'a str>,
    /// The unique names of rate limits of the service, each with the value that is counted. Twilio
    /// refuses a name that the service does not have.
    pub rate_limits: &'a [(String, String)],
}

impl<'a> StartOptions<'a> {
    /// Sets [`StartOptions::locale`].
    #[must_use]
    pub fn locale(mut self, locale: impl Into<Option<&'a str>>) -> Self {
        self.locale = locale.into();
        self
    }

    /// Sets [`StartOptions::rate_limits`].
    #[must_use]
    pub fn rate_limits(mut self, rate_limits: &'a [(String, String)]) -> Self {
        self.rate_limits = rate_limits;
        self
    }
}

/// The digits of a code that Twilio sends.
const CODE_LENGTHS: std::ops::RangeInclusive<usize> = 4..=10;

impl<T: Transport> Verifications<'_, T> {
    /// Makes Twilio send a code to `to`. Blocks for the time-out or until `deadline`, but not for the
    /// duration of a call.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if the answer is about another number or service; such a code must not
    /// be checked. Or another [`Error`].
    pub fn start(
        &self,
        to: &Phone,
        channel: Channel,
        options: &StartOptions<'_>,
        deadline: Deadline,
    ) -> Result<Verification, Error> {
        let channel = match channel {
            Channel::Sms => "sms",
            Channel::Call => "call",
        };
        let mut pairs = vec![("To", to.as_str()), ("Channel", channel)];
        pairs.extend(options.locale.map(|locale| ("Locale", locale)));
        let limits = rate_limits(options.rate_limits);
        pairs.extend(limits.as_deref().map(|limits| ("RateLimits", limits)));
        let path = self.0.path("/Verifications");
        let reply = self.0.post(&path, &pairs, deadline)?;
        self.require_ours(&reply, to)?;
        reply.require_status("pending")?;
        read(&reply)
    }

    /// Asks Twilio whether `code` is right for the verification `sid` of the number `to`. Blocks for
    /// the time-out or until `deadline`. A code that Twilio cannot have sent is refused unasked, so
    /// that it costs none of the five checks.
    ///
    /// # Errors
    /// [`Error::Refused`] if the code is wrong, [`Error::NotFound`] if the verification was
    /// approved, cancelled or has expired, [`Error::RateLimited`] or [`Error::NotFound`] after five
    /// checks, or another [`Error`].
    pub fn check(
        &self,
        sid: &VerificationSid,
        to: &Phone,
        code: &Code,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if !CODE_LENGTHS.contains(&code.digits().len()) {
            return Err(invalid("Code", "must be 4 to 10 digits"));
        }
        let pairs = [("VerificationSid", sid.as_str()), ("Code", code.digits())];
        let path = self.0.path("/VerificationCheck");
        let reply = self.0.post(&path, &pairs, deadline)?;
        reply.require_approved()?;
        reply.require_true("valid")?;
        reply.require(&[("sid", sid.as_str())])?;
        self.require_ours(&reply, to)
    }

    /// Returns the state of a verification. One that was approved or has expired is not found.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch(&self, sid: &VerificationSid, deadline: Deadline) -> Result<Verification, Error> {
        let path = self.0.path(&format!("/Verifications/{sid}"));
        let reply = self.0.get(&path, &[], deadline)?;
        self.require_verification(&reply, sid)?;
        read(&reply)
    }

    /// Cancels a verification, so that the next start sends a new code. For administrators only:
    /// it also ends the count of wrong checks.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn cancel(&self, sid: &VerificationSid, deadline: Deadline) -> Result<(), Error> {
        let path = self.0.path(&format!("/Verifications/{sid}"));
        let reply = self.0.post(&path, &[("Status", "canceled")], deadline)?;
        reply.require_status("canceled")?;
        self.require_verification(&reply, sid)
    }

    /// Returns an error unless the answer is about this service and verification.
    fn require_verification(&self, reply: &Reply, sid: &VerificationSid) -> Result<(), Error> {
        reply.require(&[
            ("sid", sid.as_str()),
            ("service_sid", self.0.service.as_str()),
        ])
    }

    /// Returns an error unless the answer is about this service and number.
    fn require_ours(&self, reply: &Reply, to: &Phone) -> Result<(), Error> {
        reply.require(&[
            ("to", to.as_str()),
            ("service_sid", self.0.service.as_str()),
        ])
    }
}

/// Returns the parameter `RateLimits`: a JSON text.
fn rate_limits(limits: &[(String, String)]) -> Option<String> {
    let members = limits
        .iter()
        .map(|(name, value)| (name.clone(), serde_json::Value::from(value.as_str())));
    let object: serde_json::Map<_, _> = members.collect();
    (!object.is_empty()).then(|| serde_json::Value::from(object).to_string())
}

fn read(reply: &Reply) -> Result<Verification, Error> {
    let sends = reply.get("send_code_attempts");
    let sends = sends.and_then(serde_json::Value::as_array);
    Ok(Verification {
        sid: reply.id("sid")?,
        status: reply.text("status").unwrap_or_default(),
        sends: sends.map_or(0, Vec::len),
    })
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later, other_sid, sid, with};
    use super::*;
    use crate::client::http::{self, Cause};

    const NUMBER: &str = "+15551234567";

    fn to() -> Phone {
        NUMBER.parse().unwrap()
    }

    fn started() -> VerificationSid {
        sid("VE").parse().unwrap()
    }

    /// An answer of Twilio about the verification, with other members in place of its own.
    fn answer(other: &[(&str, serde_json::Value)]) -> String {
        let mut body = serde_json::json!({
            "sid": sid("VE"), "service_sid": sid("VA"), "account_sid": sid("AC"), "to": NUMBER,
            "channel": "sms", "status": "approved", "valid": true, "amount": null, "payee": null,
            "sna_attempts_error_codes": [], "date_created": "2026-11-23T09:00:00Z",
            "date_updated": "2026-11-23T09:00:00Z", "new_member": {"a": [1]},
        });
        for (name, value) in other {
            body[*name] = value.clone();
        }
        body.to_string()
    }

    fn check(status: u16, body: &str) -> Result<(), Error> {
        let client = client(&[(status, body)]);
        let code = "123456".parse().unwrap();
        let checked = client
            .verifications()
            .check(&started(), &to(), &code, later());
        let expected = format!(
            "Post https://verify.test/v2/Services/{}/VerificationCheck form VerificationSid={}&Code=123456",
            sid("VA"),
            sid("VE")
        );
        assert_eq!(client.asked(), [expected]);
        checked
    }

    fn class(checked: &Result<(), Error>) -> String {
        match checked {
            Ok(()) => "approved".to_owned(),
            Err(error) => {
                let name = format!("{error:?}");
                let end = name.find(['(', ' ']).unwrap_or(name.len());
                let code = error.code().map(|code| format!(" {code}"));
                format!("{}{}", &name[..end], code.unwrap_or_default())
            }
        }
    }

    /// Every row of what Twilio documents of a check, and every answer that must not be a yes.
    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn only_an_approved_check_of_this_start_number_and_service_is_a_yes() {
        use serde_json::json;
        let error = |code| format!(r#"{{"code":{code},"message":"x","status":400}}"#);
        let repeated = answer(&[]).replacen('{', r#"{"status":"pending","#, 1);
        let rows = [
            (200, answer(&[]), "approved"),
            (201, answer(&[]), "approved"),
            (202, answer(&[]), "Unexpected"),
            (
                201,
                answer(&[("status", json!("pending")), ("valid", json!(false))]),
                "Refused",
            ),
            (200, answer(&[("status", json!("pending"))]), "Refused"),
            (
                200,
                answer(&[("status", json!("max_attempts_reached"))]),
                "Refused",
            ),
            (200, answer(&[("status", json!("canceled"))]), "Refused"),
            (200, answer(&[("status", json!("expired"))]), "Refused"),
            (200, answer(&[("status", json!("Approved"))]), "Unexpected"),
            (200, answer(&[("status", json!(null))]), "Unexpected"),
            (200, answer(&[("valid", json!(false))]), "Unexpected"),
            (200, answer(&[("valid", json!(null))]), "Unexpected"),
            (200, answer(&[("valid", json!("true"))]), "Unexpected"),
            (
                200,
                answer(&[("sid", json!(other_sid("VE")))]),
                "Unexpected",
            ),
            (200, answer(&[("sid", json!(null))]), "Unexpected"),
            (200, answer(&[("to", json!("+15551234568"))]), "Unexpected"),
            (200, answer(&[("to", json!("15551234567"))]), "Unexpected"),
            (
                200,
                answer(&[("service_sid", json!(other_sid("VA")))]),
                "Unexpected",
            ),
            (200, repeated, "Unavailable"),
            (200, String::new(), "Unavailable"),
            (200, "<html>approved</html>".to_owned(), "Unavailable"),
            (200, answer(&[])[..100].to_owned(), "Unavailable"),
            (200, format!("[{}]", answer(&[])), "Unavailable"),
            (404, error(20404), "NotFound 20404"),
            (404, answer(&[]), "Unexpected"),
            (400, error(60200), "Refused 60200"),
            (400, error(60221), "Refused 60221"),
            (429, error(60202), "RateLimited 60202"),
            (429, error(20429), "RateLimited 20429"),
            (401, error(20003), "KeyRefused 20003"),
            (401, error(70051), "KeyRefused 70051"),
            (403, error(70051), "KeyRefused 70051"),
            (403, error(20008), "KeyRefused 20008"),
            (403, error(20403), "KeyRefused 20403"),
            (403, error(60204), "NotAllowed 60204"),
            (500, error(20500), "ServerError 20500"),
            (503, String::new(), "ServerError"),
        ];
        let mut wrong = Vec::new();
        for (status, body, expected) in rows {
            let found = class(&check(status, &body));
            if found != expected {
                wrong.push(format!("{status} {body}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_check_whose_answer_is_lost_is_not_sent_again() {
        let lost = http::Error::Unavailable(Cause::Connection("broke".into()));
        let client = with(vec![Err(lost)]);
        let code = "123456".parse().unwrap();
        let checked = client
            .verifications()
            .check(&started(), &to(), &code, later());
        assert!(checked.unwrap_err().is_unavailable());
        assert_eq!(client.asked().len(), 1);
    }

    #[test]
    fn a_code_that_twilio_cannot_have_sent_costs_no_check() {
        let client = client(&[]);
        for digits in ["123", "12345678901", "123456789012"] {
            let code = digits.parse().unwrap();
            let checked = client
                .verifications()
                .check(&started(), &to(), &code, later());
            assert!(matches!(checked, Err(Error::Invalid { .. })), "{digits}");
        }
        assert!(client.asked().is_empty());
    }

    #[test]
    fn a_start_names_number_channel_and_language_and_returns_its_sid() {
        use serde_json::json;
        let attempts = json!([{"channel": "SMS"}, {"channel": "CALL"}]);
        let body = answer(&[
            ("status", json!("pending")),
            ("valid", json!(false)),
            ("send_code_attempts", attempts),
        ]);
        let client = client(&[(201, body.as_str()), (201, body.as_str())]);
        let calls = client.verifications();
        let none = StartOptions::default();
        let found = calls.start(&to(), Channel::Sms, &none, later()).unwrap();
        assert_eq!((found.sid, found.sends), (started(), 2));
        let options = StartOptions {
            locale: Some("de"),
            rate_limits: &[
                ("end_user".to_owned(), "carol\"".to_owned()),
                ("ip".to_owned(), "192.0.2.7".to_owned()),
            ],
        };
        calls
            .start(&to(), Channel::Call, &options, later())
            .unwrap();
        let start = format!(
            "Post https://verify.test/v2/Services/{}/Verifications form To=%2B15551234567&Channel=",
            sid("VA")
        );
        // {"end_user":"carol\"","ip":"192.0.2.7"}
        let limits = "%7B%22end_user%22%3A%22carol%5C%22%22%2C%22ip%22%3A%22192.0.2.7%22%7D";
        assert_eq!(
            client.asked(),
            [
                format!("{start}sms"),
                format!("{start}call&Locale=de&RateLimits={limits}"),
            ]
        );
    }

    #[test]
    fn a_start_that_is_refused_or_about_another_number_has_no_sid() {
        use serde_json::json;
        let pending = ("status", json!("pending"));
        let error = |code| format!(r#"{{"code":{code},"message":"x"}}"#);
        let rows = [
            (201, answer(&[("status", json!("approved"))])),
            (
                201,
                answer(&[pending.clone(), ("to", json!("+15551234568"))]),
            ),
            (
                201,
                answer(&[pending.clone(), ("service_sid", json!(other_sid("VA")))]),
            ),
            (201, answer(&[pending.clone(), ("sid", json!("VE/../.."))])),
            (201, answer(&[pending, ("sid", json!(other_sid("YC")))])),
            (429, error(60203)),
            (429, error(60212)),
            (403, error(60205)),
            (403, error(60410)),
            (400, error(60200)),
            (404, error(20404)),
            (201, String::new()),
        ];
        let mut accepted = Vec::new();
        for (status, body) in rows {
            let client = client(&[(status, body.as_str())]);
            let started = client.verifications().start(
                &to(),
                Channel::Sms,
                &StartOptions::default(),
                later(),
            );
            if started.is_ok() {
                accepted.push(body);
            }
        }
        assert!(accepted.is_empty(), "{accepted:#?}");
    }

    #[test]
    fn a_verification_is_fetched_and_cancelled_by_its_sid() {
        use serde_json::json;
        let canceled = answer(&[("status", json!("canceled"))]);
        let other = answer(&[
            ("status", json!("canceled")),
            ("sid", json!(other_sid("VE"))),
        ]);
        let pending = answer(&[("status", json!("pending"))]);
        let elsewhere = ("service_sid", json!(other_sid("VA")));
        let fetched = answer(&[("status", json!("pending")), elsewhere.clone()]);
        let cancelled = answer(&[("status", json!("canceled")), elsewhere]);
        let bodies = [&pending, &canceled, &pending, &other, &fetched, &cancelled];
        let answers = bodies.map(|body| (200, body.as_str()));
        let client = client(&answers);
        let calls = client.verifications();
        assert_eq!(calls.fetch(&started(), later()).unwrap().status, "pending");
        calls.cancel(&started(), later()).unwrap();
        assert!(calls.cancel(&started(), later()).is_err(), "still pending");
        assert!(calls.cancel(&started(), later()).is_err(), "another one");
        assert!(calls.fetch(&started(), later()).is_err(), "another service");
        assert!(
            calls.cancel(&started(), later()).is_err(),
            "another service"
        );
        let path = format!(
            "https://verify.test/v2/Services/{}/Verifications/{}",
            sid("VA"),
            sid("VE")
        );
        let asked = client.asked();
        assert_eq!(
            asked[..2],
            [
                format!("Get {path}"),
                format!("Post {path} form Status=canceled")
            ]
        );
    }
}
