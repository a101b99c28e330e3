//! What Twilio knows of a phone number: whether it can be one, and whether it takes an SMS.
//!
//! Source: Twilio Lookup v2, `GET https://lookups.twilio.com/v2/PhoneNumbers/{PhoneNumber}`. Only the
//! line type costs money. Not called by a login.

use serde_json::Value;

use super::error::invalid;
use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::Phone;
use crate::base::text;
use crate::client::http::form::query_string;
use crate::client::http::{Method, Transport};

/// Calls about phone numbers; created by [`Client::lookup`].
#[derive(Debug)]
pub struct Lookup<'a, T>(pub(super) &'a Client<T>);

/// What Twilio knows of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneInfo {
    /// The number that the answer is about, in the form of E.164, if it can be one. Twilio may write
    /// it differently from the one that was asked about.
    pub phone: Option<Phone>,
    /// What is wrong with it, such as `TOO_SHORT`.
    pub errors: Vec<String>,
    /// The country, such as `US`.
    pub country: Option<String>,
    /// The kind of line, such as `mobile` or `landline`, if it was asked for and is known.
    pub line_type: Option<String>,
    /// The carrier, if the line type was asked for.
    pub carrier: Option<String>,
}

impl PhoneInfo {
    /// Whether the number is known to take no SMS.
    #[must_use]
    pub fn is_landline(&self) -> bool {
        self.line_type.as_deref() == Some("landline")
    }
}

impl<T: Transport> Lookup<'_, T> {
    /// Returns what Twilio knows of `number`, which may be in the national form of `country` (such
    /// as `US`). `line_type` asks for the kind of line too, which costs money. Blocks for the
    /// time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the text can be no number, or another [`Error`]. A number that Twilio
    /// finds invalid is no error.
    pub fn number(
        &self,
        number: &str,
        country: Option<&str>,
        line_type: bool,
        deadline: Deadline,
    ) -> Result<PhoneInfo, Error> {
        let plain: String = number.chars().filter(|c| !" -.()".contains(*c)).collect();
        let digits = plain.strip_prefix('+').unwrap_or(&plain);
        let is_number =
            (1..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return Err(invalid("PhoneNumber", "must be digits"));
        }
        let mut query = Vec::new();
        query.extend(country.map(|country| ("CountryCode", country)));
        if line_type {
            query.push(("Fields", "line_type_intelligence"));
        }
        let path = plain.replacen('+', "%2B", 1);
        let path = format!("/v2/PhoneNumbers/{path}{}", query_string(&query));
        let url = url_of_lookup(&self.0.base_url);
        let response = self.0.send_to(&url, Method::Get, &path, None, deadline)?;
        Ok(read(&Reply::read(&response)?))
    }
}

/// The URL of Lookup: Twilio has another host for it, and a simulator has not.
fn url_of_lookup(verify: &str) -> String {
    match verify.strip_prefix("https://verify.") {
        Some(rest) if rest.ends_with("twilio.com") => format!("https://lookups.{rest}"),
        _ => verify.to_owned(),
    }
}

fn read(reply: &Reply) -> PhoneInfo {
    let is_valid = reply.get("valid").and_then(Value::as_bool) == Some(true);
    let phone = reply.text("phone_number").filter(|_| is_valid);
    let line = reply.object("line_type_intelligence");
    let of_line = |name| line.as_ref()?.text(name);
    let errors = reply.get("validation_errors").and_then(Value::as_array);
    let errors = errors.into_iter().flatten().filter_map(Value::as_str);
    PhoneInfo {
        phone: phone.and_then(|phone| phone.parse().ok()),
        errors: errors.map(text::sanitize).collect(),
        country: reply.text("country_code"),
        line_type: of_line("type"),
        carrier: of_line("carrier_name"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later};
    use super::*;

    #[test]
    fn a_number_is_looked_up_and_its_line_type_only_on_request() {
        let body = r#"{"valid":true,"phone_number":"+14159929960","country_code":"US",
            "line_type_intelligence":{"type":"landline","carrier_name":"Twilio","error_code":null}}"#;
        let plain = r#"{"valid":true,"phone_number":"+14159929960","line_type_intelligence":null}"#;
        let client = client(&[(200, body), (200, plain)]);
        let calls = client.lookup();
        let found = calls.number("(415) 992-9960", Some("US"), true, later());
        let found = found.unwrap();
        assert_eq!(found.phone, "+14159929960".parse().ok());
        assert!(found.is_landline() && found.carrier.as_deref() == Some("Twilio"));
        let found = calls.number("+14159929960", None, false, later()).unwrap();
        assert!(!found.is_landline() && found.line_type.is_none());
        assert_eq!(
            client.asked(),
            [
                "Get https://verify.test/v2/PhoneNumbers/4159929960?CountryCode=US\
                 &Fields=line_type_intelligence",
                "Get https://verify.test/v2/PhoneNumbers/%2B14159929960",
            ]
        );
    }

    #[test]
    fn an_invalid_number_is_an_answer_and_not_an_error() {
        let body = r#"{"valid":false,"phone_number":"+1415","validation_errors":["TOO_SHORT"]}"#;
        let client = client(&[(200, body)]);
        let found = client.lookup().number("+1415", None, false, later());
        let found = found.unwrap();
        assert_eq!(
            (found.phone, found.errors),
            (None, vec!["TOO_SHORT".into()])
        );
    }

    #[test]
    fn text_that_is_no_number_gets_into_no_url() {
        let client = client(&[]);
        for number in ["", "+", "../x", "1?x", "12a", "１２３", &"1".repeat(21)] {
            let found = client.lookup().number(number, None, false, later());
            assert!(matches!(found, Err(Error::Invalid { .. })), "{number}");
        }
    }

    #[test]
    fn lookup_has_a_host_of_its_own_at_twilio_alone() {
        let rows = [
            ("https://verify.twilio.com", "https://lookups.twilio.com"),
            (
                "https://verify.ie1.twilio.com",
                "https://lookups.ie1.twilio.com",
            ),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
            ("https://verify.example.com", "https://verify.example.com"),
        ];
        assert_eq!(
            rows.map(|(url, _)| url_of_lookup(url)),
            rows.map(|(_, url)| url.to_owned())
        );
    }
}
