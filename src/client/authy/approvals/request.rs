//! What is asked on the phone: the message, its details, and pictures.
//!
//! The limits are those of Authy's own clients. Called by `approvals`.

use serde_json::{Map, Value, json};

use crate::client::authy::error::{Error, invalid};
use crate::client::authy::object;

/// The longest message, in characters. A longer one is refused, because Authy's own clients
/// disagree on whether it is cut.
const MESSAGE_LIMIT: usize = 200;
/// The longest name of a detail, in characters.
const KEY_LIMIT: usize = 20;
/// The longest value of a detail, in characters.
const VALUE_LIMIT: usize = 200;
/// The longest URL of a logo, in characters.
const LOGO_LIMIT: usize = 500;

/// What the phone shows.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The question to approve, 1 to 200 characters.
    pub message: &'a str,
    /// Further lines in order: names of 1 to 20 characters, values of up to 200.
    pub details: &'a [(String, String)],
    /// Details that the phone does not show, and that the callback contains. Same limits.
    pub hidden_details: &'a [(String, String)],
    /// Pictures. If there are any, one must have [`Resolution::Default`].
    pub logos: &'a [Logo<'a>],
    /// How long the person can answer. Authy's default is a day; 0 means for ever.
    pub seconds_to_expire: Option<u32>,
}

impl<'a> Request<'a> {
    /// Asks `message` and nothing else.
    #[must_use]
    pub fn new(message: &'a str) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }

    /// Sets [`Request::details`].
    #[must_use]
    pub fn details(mut self, details: &'a [(String, String)]) -> Self {
        self.details = details;
        self
    }

    /// Sets [`Request::hidden_details`].
    #[must_use]
    pub fn hidden_details(mut self, hidden_details: &'a [(String, String)]) -> Self {
        self.hidden_details = hidden_details;
        self
    }

    /// Sets [`Request::logos`].
    #[must_use]
    pub fn logos(mut self, logos: &'a [Logo<'a>]) -> Self {
        self.logos = logos;
        self
    }

    /// Sets [`Request::seconds_to_expire`].
    #[must_use]
    pub fn seconds_to_expire(mut self, seconds_to_expire: impl Into<Option<u32>>) -> Self {
        self.seconds_to_expire = seconds_to_expire.into();
        self
    }
}

/// A picture for the phone.
#[derive(Debug, Clone, Copy)]
pub struct Logo<'a> {
    /// The screens for which it is meant.
    pub resolution: Resolution,
    /// Its https URL, up to 500 characters.
    pub url: &'a str,
}

/// The screens for which a logo is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// Screens without a logo of their own.
    Default,
    /// Low resolution.
    Low,
    /// Medium resolution.
    Med,
    /// High resolution.
    High,
}

impl Resolution {
    fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Low => "low",
            Self::Med => "med",
            Self::High => "high",
        }
    }
}

impl Request<'_> {
    /// Returns the body as JSON, after checking Authy's limits.
    pub(super) fn body(&self) -> Result<Value, Error> {
        check_length("message", self.message, 1, MESSAGE_LIMIT)?;
        let details = pairs("details", self.details)?;
        let hidden = pairs("hidden_details", self.hidden_details)?;
        Ok(object([
            ("message", Some(json!(self.message))),
            ("details", details),
            ("hidden_details", hidden),
            ("logos", logos(self.logos)?),
            (
                "seconds_to_expire",
                self.seconds_to_expire.map(|seconds| json!(seconds)),
            ),
        ]))
    }
}

/// Returns the pairs as a JSON object; `None` if there are no pairs.
fn pairs(argument: &'static str, pairs: &[(String, String)]) -> Result<Option<Value>, Error> {
    let mut members = Map::new();
    for (name, value) in pairs {
        check_length(argument, name, 1, KEY_LIMIT)?;
        check_length(argument, value, 0, VALUE_LIMIT)?;
        if members.insert(name.clone(), json!(value)).is_some() {
            return Err(invalid(
                argument,
                format!("`{}` is given twice", crate::base::text::sanitize(name)),
            ));
        }
    }
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}

/// Returns the logos as a JSON array; `None` if there are no logos.
fn logos(logos: &[Logo<'_>]) -> Result<Option<Value>, Error> {
    if logos.is_empty() {
        return Ok(None);
    }
    if !logos.iter().any(|l| l.resolution == Resolution::Default) {
        return Err(invalid(
            "logos",
            "must include one with the resolution `default`",
        ));
    }
    let mut array = Vec::new();
    for logo in logos {
        check_length("logos", logo.url, 1, LOGO_LIMIT)?;
        if !logo.url.starts_with("https://") {
            return Err(invalid("logos", "must have https URLs"));
        }
        array.push(json!({"res": logo.resolution.as_str(), "url": logo.url}));
    }
    Ok(Some(Value::Array(array)))
}

fn check_length(argument: &'static str, text: &str, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(invalid(
            argument,
            format!("a text must be {min} to {max} characters"),
        ))
    }
}
