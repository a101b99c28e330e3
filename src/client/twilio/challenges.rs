//! Logins by an app: create, update, fetch, list.
//!
//! Source: Twilio Verify API, `/v2/Services/{VA}/Entities/{Identity}/Challenges`. A challenge is
//! created with a code, which Twilio checks at once; a further code updates it. Twilio allows five
//! codes on a challenge, and 50 challenges in an hour and 100 in a day for a factor. No request is
//! repeated: a code works once.

use super::error::{Refusal, invalid};
use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::Code;
use crate::base::factor::twilio::{ChallengeSid, TwilioFactor, TwilioIdentity};
use crate::client::http::Transport;

/// Calls about challenges; created by [`Client::challenges`].
#[derive(Debug)]
pub struct Challenges<'a, T>(pub(super) &'a Client<T>);

/// A login by an app.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a challenge may be pending: its code was wrong"]
pub struct Challenge {
    /// The SID, by which a further code is checked.
    pub sid: ChallengeSid,
    /// What came of it.
    pub decision: Decision,
}

/// The status of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// There was no right code yet.
    Pending,
    /// A code was right.
    Approved,
    /// A push was denied.
    Denied,
    /// It takes no more codes.
    Expired,
}

impl Challenge {
    /// Returns an error unless the code was right.
    ///
    /// # Errors
    /// [`Error::Refused`]
    pub fn require_approved(&self) -> Result<(), Error> {
        match self.decision {
            Decision::Approved => Ok(()),
            other => Err(Error::Refused(Refusal {
                status: 200,
                message: format!("the challenge is {other:?}"),
                ..Refusal::default()
            })),
        }
    }
}

/// The digits of an app's codes.
const CODE_LENGTHS: std::ops::RangeInclusive<usize> = 3..=8;

impl<T: Transport> Challenges<'_, T> {
    /// Creates a challenge of `factor` with a code of the app. Blocks for the time-out or until
    /// `deadline`. A code that no app shows is refused unasked, so that it costs no challenge.
    ///
    /// # Errors
    /// [`Error::RateLimited`] with 60312 beyond 50 challenges in an hour or 100 in a day,
    /// [`Error::NotFound`] for a factor or person that Twilio does not have,
    /// [`Error::PersonRefused`] with 60318 for a factor that was never verified, or another
    /// [`Error`]. A wrong code is a pending [`Challenge`], or [`Error::Refused`].
    pub fn create(
        &self,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        code: &Code,
        deadline: Deadline,
    ) -> Result<Challenge, Error> {
        check_length(code)?;
        let pairs = [
            ("FactorSid", factor.as_str()),
            ("AuthPayload", code.digits()),
        ];
        let reply = self.0.post(&self.path(identity, ""), &pairs, deadline)?;
        self.read(&reply, identity, factor)
    }

    /// Checks a further code on a challenge. A restricted key may lack the permission for it.
    ///
    /// # Errors
    /// [`Error::RateLimited`] with 60308 after five codes, [`Error::Refused`] with 60322 or 60323
    /// for one that was answered or has expired, or as [`Challenges::create`].
    pub fn update(
        &self,
        sid: &ChallengeSid,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        code: &Code,
        deadline: Deadline,
    ) -> Result<Challenge, Error> {
        check_length(code)?;
        let path = self.path(identity, &format!("/{sid}"));
        let pairs = [("AuthPayload", code.digits())];
        let reply = self.0.post(&path, &pairs, deadline)?;
        reply.require(&[("sid", sid.as_str())])?;
        self.read(&reply, identity, factor)
    }

    /// Returns the state of a challenge.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fetch(
        &self,
        sid: &ChallengeSid,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        deadline: Deadline,
    ) -> Result<Challenge, Error> {
        let path = self.path(identity, &format!("/{sid}"));
        let reply = self.0.get(&path, &[], deadline)?;
        reply.require(&[("sid", sid.as_str())])?;
        self.read(&reply, identity, factor)
    }

    /// Returns the challenges of a factor, the latest one first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(
        &self,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
        deadline: Deadline,
    ) -> Result<Vec<Challenge>, Error> {
        let query = [("FactorSid", factor.as_str()), ("Order", "desc")];
        let path = self.path(identity, "");
        self.0.list(&path, &query, "challenges", deadline, |reply| {
            self.read(reply, identity, factor)
        })
    }

    fn path(&self, identity: &TwilioIdentity, below: &str) -> String {
        self.0
            .path(&format!("/Entities/{identity}/Challenges{below}"))
    }

    /// Reads a challenge, which must be one of this service, person and app.
    fn read(
        &self,
        reply: &Reply,
        identity: &TwilioIdentity,
        factor: &TwilioFactor,
    ) -> Result<Challenge, Error> {
        reply.require(&[
            ("service_sid", self.0.service.as_str()),
            ("identity", &identity.to_string()),
            ("factor_sid", factor.as_str()),
            ("factor_type", "totp"),
        ])?;
        let decision = match reply.get("status").and_then(serde_json::Value::as_str) {
            Some("pending") => Decision::Pending,
            Some("approved") => Decision::Approved,
            Some("denied") => Decision::Denied,
            Some("expired") => Decision::Expired,
            _ => return Err(reply.unexpected("the challenge has an unknown status")),
        };
        Ok(Challenge {
            sid: reply.id("sid")?,
            decision,
        })
    }
}

fn check_length(code: &Code) -> Result<(), Error> {
    if CODE_LENGTHS.contains(&code.digits().len()) {
        Ok(())
    } else {
        Err(invalid("AuthPayload", "must be 3 to 8 digits"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::scripted::{Scripted, client, later, other_sid, sid, with};
    use super::*;
    use crate::client::http::{self, Cause};

    const IDENTITY: &str = "ff483d1f-0000";

    fn answer(other: &[(&str, Value)]) -> String {
        let mut body = json!({
            "sid": sid("YC"), "account_sid": sid("AC"), "service_sid": sid("VA"),
            "entity_sid": sid("YE"), "identity": IDENTITY, "factor_sid": sid("YF"),
            "factor_type": "totp", "status": "approved", "responded_reason": "none",
            "details": null, "hidden_details": null, "metadata": null, "url": "x", "links": {},
        });
        for (name, value) in other {
            body[*name] = value.clone();
        }
        body.to_string()
    }

    fn ask<R>(
        client: &Client<Scripted>,
        ask: impl Fn(Challenges<'_, Scripted>, &TwilioIdentity, &TwilioFactor, &Code) -> R,
    ) -> R {
        let (identity, factor) = (IDENTITY.parse().unwrap(), sid("YF").parse().unwrap());
        ask(
            client.challenges(),
            &identity,
            &factor,
            &"123456".parse().unwrap(),
        )
    }

    fn create(client: &Client<Scripted>) -> Result<Challenge, Error> {
        ask(client, |calls, identity, factor, code| {
            calls.create(identity, factor, code, later())
        })
    }

    fn update(client: &Client<Scripted>) -> Result<Challenge, Error> {
        ask(client, |calls, identity, factor, code| {
            let sid = sid("YC").parse().unwrap();
            calls.update(&sid, identity, factor, code, later())
        })
    }

    fn class(found: Result<Challenge, Error>) -> String {
        match found.map(|challenge| challenge.decision) {
            Ok(decision) => format!("{decision:?}"),
            Err(error) => {
                let name = format!("{error:?}");
                let end = name.find(['(', ' ']).unwrap_or(name.len());
                let code = error.code().map(|code| format!(" {code}"));
                format!("{}{}", &name[..end], code.unwrap_or_default())
            }
        }
    }

    /// Every row of what Twilio documents of a login by an app.
    #[test]
    fn only_an_approved_challenge_of_this_person_app_and_service_is_a_yes() {
        let error = |code| format!(r#"{{"code":{code},"message":"x"}}"#);
        let repeated = answer(&[]).replacen('{', r#"{"status":"pending","#, 1);
        let rows = [
            (201, answer(&[]), "Approved"),
            (200, answer(&[]), "Approved"),
            (201, answer(&[("status", json!("pending"))]), "Pending"),
            (201, answer(&[("status", json!("denied"))]), "Denied"),
            (201, answer(&[("status", json!("expired"))]), "Expired"),
            (201, answer(&[("status", json!("APPROVED"))]), "Unexpected"),
            (201, answer(&[("status", json!(null))]), "Unexpected"),
            (
                201,
                answer(&[("factor_sid", json!(other_sid("YF")))]),
                "Unexpected",
            ),
            (
                201,
                answer(&[("identity", json!("ff483d1f-0001"))]),
                "Unexpected",
            ),
            (201, answer(&[("factor_type", json!("push"))]), "Unexpected"),
            (
                201,
                answer(&[("service_sid", json!(other_sid("VA")))]),
                "Unexpected",
            ),
            (
                201,
                answer(&[("sid", json!(other_sid("VE")))]),
                "Unexpected",
            ),
            (201, repeated, "Unavailable"),
            (201, String::new(), "Unavailable"),
            (204, String::new(), "Unavailable"),
            (400, error(60306), "Refused 60306"),
            (400, error(60300), "Refused 60300"),
            (403, error(60324), "Refused 60324"),
            (403, error(60318), "PersonRefused 60318"),
            (403, error(60322), "Refused 60322"),
            (403, error(60323), "Refused 60323"),
            (404, error(20404), "NotFound 20404"),
            (400, error(60390), "NotFound 60390"),
            (429, error(60308), "RateLimited 60308"),
            (429, error(60312), "RateLimited 60312"),
            (403, error(70051), "KeyRefused 70051"),
            (401, error(20003), "KeyRefused 20003"),
            (503, String::new(), "ServerError"),
        ];
        let mut wrong = Vec::new();
        for (status, body, expected) in rows {
            for call in [create, update] {
                let found = class(call(&client(&[(status, body.as_str())])));
                if found != expected {
                    wrong.push(format!("{status} {body}: {found}, not {expected}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn an_answer_about_another_challenge_is_no_answer_to_an_update() {
        let other = answer(&[("sid", json!(other_sid("YC")))]);
        assert_eq!(class(create(&client(&[(201, other.as_str())]))), "Approved");
        assert_eq!(
            class(update(&client(&[(200, other.as_str())]))),
            "Unexpected"
        );
    }

    #[test]
    fn a_challenge_is_created_updated_fetched_and_listed_under_the_person() {
        let body = answer(&[]);
        let list = format!(r#"{{"challenges":[{body}],"meta":{{"next_page_url":null}}}}"#);
        let answers = [&body, &body, &body, &list].map(|body| (200, body.as_str()));
        let client = client(&answers);
        create(&client).unwrap().require_approved().unwrap();
        update(&client).unwrap().require_approved().unwrap();
        let listed = ask(&client, |calls, identity, factor, _| {
            let sid = sid("YC").parse().unwrap();
            let _ = calls.fetch(&sid, identity, factor, later()).unwrap();
            calls.list(identity, factor, later()).unwrap()
        });
        assert_eq!(listed.len(), 1);
        let path = format!(
            "https://verify.test/v2/Services/{}/Entities/{IDENTITY}/Challenges",
            sid("VA")
        );
        let (factor, challenge) = (sid("YF"), sid("YC"));
        assert_eq!(
            client.asked(),
            [
                format!("Post {path} form FactorSid={factor}&AuthPayload=123456"),
                format!("Post {path}/{challenge} form AuthPayload=123456"),
                format!("Get {path}/{challenge}"),
                format!("Get {path}?PageSize=20&FactorSid={factor}&Order=desc"),
            ]
        );
    }

    #[test]
    fn a_lost_answer_is_not_asked_for_again_and_a_pending_challenge_is_no_yes() {
        let lost = http::Error::Unavailable(Cause::TimedOut);
        let silent = with(vec![Err(lost)]);
        assert!(create(&silent).unwrap_err().is_unavailable());
        assert_eq!(silent.asked().len(), 1);
        let pending = answer(&[("status", json!("pending"))]);
        let pending = create(&client(&[(201, pending.as_str())])).unwrap();
        assert!(matches!(pending.require_approved(), Err(Error::Refused(_))));
    }

    #[test]
    fn a_code_that_no_app_shows_costs_no_challenge() {
        let client = client(&[]);
        let (identity, factor) = (IDENTITY.parse().unwrap(), sid("YF").parse().unwrap());
        for digits in ["123456789", "123456789012"] {
            let code = digits.parse().unwrap();
            let created = client
                .challenges()
                .create(&identity, &factor, &code, later());
            assert!(matches!(created, Err(Error::Invalid { .. })), "{digits}");
        }
    }
}
