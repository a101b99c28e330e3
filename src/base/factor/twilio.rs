//! The ids of Twilio Verify as checked types, and what a factor at Twilio keeps between logins.
//!
//! A SID is two letters and 32 hexadecimal digits, so that none of them can change the path of a
//! URL. `store` implements the traits; `factor::twilio` uses them.

use std::fmt;
use std::str::FromStr;

use super::{Code, Error, Phone};

/// The text is not an id of Twilio Verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTwilio {
    /// The identity has another form.
    #[error("a twilio_identity is 8 to 64 letters, digits and dashes")]
    Identity,
    /// The factor has another form.
    #[error("a twilio_factor is YF and 32 hexadecimal digits")]
    Factor,
    /// Another SID has another form.
    #[error("{0} and 32 hexadecimal digits are expected")]
    Sid(&'static str),
}

/// A person's identity at Twilio Verify: 8 to 64 letters, digits and dashes.
///
/// Source: Twilio Verify API, Entities, parameter `Identity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioIdentity(String);

impl FromStr for TwilioIdentity {
    type Err = InvalidTwilio;

    fn from_str(text: &str) -> Result<Self, InvalidTwilio> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_identity = (8..=64).contains(&text.len()) && text.bytes().all(plain);
        is_identity
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidTwilio::Identity)
    }
}

impl fmt::Display for TwilioIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the text is the prefix and 32 hexadecimal digits.
fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Declares a SID. Source: the patterns of Twilio's OpenAPI file of Verify v2.
macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $error:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidTwilio;

            fn from_str(text: &str) -> Result<Self, InvalidTwilio> {
                let sid = is_sid(text, $prefix).then(|| Self(text.to_owned()));
                sid.ok_or($error)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

sid!(
    /// The SID of a person's factor: an app, or a push of an own app.
    TwilioFactor,
    "YF",
    InvalidTwilio::Factor
);
sid!(
    /// The SID of a Verify service.
    ServiceSid,
    "VA",
    InvalidTwilio::Sid("VA")
);
sid!(
    /// The SID of an API key, the user name of each request.
    KeySid,
    "SK",
    InvalidTwilio::Sid("SK")
);
sid!(
    /// The SID of a verification: a code that was sent to a phone number.
    VerificationSid,
    "VE",
    InvalidTwilio::Sid("VE")
);
sid!(
    /// The SID of a challenge: a login by an app.
    ChallengeSid,
    "YC",
    InvalidTwilio::Sid("YC")
);

/// What a person's factor at Twilio keeps between logins.
pub struct Lasting {
    /// The verifications that were started.
    pub started: Box<dyn Started>,
    /// The number of challenges.
    pub challenges: Box<dyn Challenges>,
    /// The codes of the app that were accepted.
    pub used: Box<dyn UsedCodes>,
}

/// The verifications that were started for a person. No function waits for another process for
/// more than a second.
pub trait Started {
    /// Returns the verification that was started last for `phone`, where its ten minutes are not
    /// over. `None` where it cannot be read: the code is then one of the app.
    fn find(&self, phone: &Phone) -> Option<VerificationSid>;

    /// Keeps the verification of a start for ten minutes.
    ///
    /// # Errors
    /// Why it could not be written, for the log: the code that was sent can be checked by this call
    /// of the module alone.
    fn keep(&mut self, phone: &Phone, sid: &VerificationSid) -> Result<(), String>;

    /// Forgets the verification `sid` of `phone`: it was approved, or is not known any more. One
    /// that another login has started since then is kept.
    fn forget(&mut self, phone: &Phone, sid: &VerificationSid);
}

/// Counts the challenges of a person. Twilio allows 50 in an hour and 100 in a day for each factor.
pub trait Challenges {
    /// Counts a challenge that is about to be created.
    ///
    /// # Errors
    /// It must not be created: [`ErrorKind::Paused`](super::ErrorKind::Paused) when there were too
    /// many, or an error of this host when it could not be counted.
    fn acquire_challenge(&mut self) -> Result<(), Error>;

    /// Takes back the last [`Challenges::acquire_challenge`], when it is certain that no byte of it
    /// left this host.
    fn release_challenge(&mut self);
}

/// The codes of apps at Twilio that were accepted on this host. Whether Twilio itself accepts a code
/// only once is not documented.
pub trait UsedCodes {
    /// Whether the code was accepted within the last minutes, in which the app could show it.
    ///
    /// # Errors
    /// It cannot be read, and the code must not be sent.
    fn is_used(&self, factor: &TwilioFactor, code: &Code) -> Result<bool, Error>;

    /// Uses up a code that Twilio has accepted. Returns whether it was not used before: of many
    /// logins with one code one wins. The disk has it when this returns.
    ///
    /// # Errors
    /// It could not be recorded, and the code must not be accepted.
    fn use_up(&mut self, factor: &TwilioFactor, code: &Code) -> Result<bool, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_in_twilios_form_are_accepted() {
        let sid = format!("YF{}", "0a".repeat(16));
        assert_eq!(sid.parse::<TwilioFactor>().unwrap().to_string(), sid);
        assert!("abcdefg".parse::<TwilioIdentity>().is_err());
        assert!("a/bcdefgh".parse::<TwilioIdentity>().is_err());
        assert!("a-bcdefgh".parse::<TwilioIdentity>().is_ok());
        assert!(sid.to_lowercase().parse::<TwilioFactor>().is_err());
        assert!(format!("{sid}0").parse::<TwilioFactor>().is_err());
    }

    #[test]
    fn a_sid_has_its_own_prefix_and_cannot_change_a_path() {
        let of = |prefix: &str| format!("{prefix}{}", "0123456789abcdefABCDEF0123456789");
        assert!(of("VA").parse::<ServiceSid>().is_ok());
        assert!(of("SK").parse::<KeySid>().is_ok());
        assert!(of("VE").parse::<VerificationSid>().is_ok());
        assert!(of("YC").parse::<ChallengeSid>().is_ok());
        let refused = [
            of("VE"),
            of("va"),
            of("VA")[..33].to_owned(),
            format!("{}x", of("VA")),
            "VA../../../../../../../../../../..".to_owned(),
            format!("VA{}", "ä".repeat(16)),
        ];
        let accepted: Vec<_> = refused
            .iter()
            .filter(|text| text.parse::<ServiceSid>().is_ok())
            .collect();
        assert!(accepted.is_empty(), "{accepted:?}");
    }
}
