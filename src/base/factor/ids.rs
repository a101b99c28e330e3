//! The ids of factors, as checked types: what the mapping, a command line or a URL may contain.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Authy's number for a person: an integer from 1 to 2^63-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthyId(NonZeroU64);

/// Not an integer from 1 to 2^63-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an authy id is an integer from 1 to 9223372036854775807")]
pub struct InvalidAuthyId;

impl AuthyId {
    /// The largest id that TOML, JSON and Authy's clients can all represent.
    const MAX: u64 = i64::MAX as u64;

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

impl TryFrom<u64> for AuthyId {
    type Error = InvalidAuthyId;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        match NonZeroU64::new(number) {
            Some(id) if number <= Self::MAX => Ok(Self(id)),
            _ => Err(InvalidAuthyId),
        }
    }
}

impl TryFrom<i64> for AuthyId {
    type Error = InvalidAuthyId;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        u64::try_from(number)
            .map_err(|_| InvalidAuthyId)?
            .try_into()
    }
}

impl FromStr for AuthyId {
    type Err = InvalidAuthyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidAuthyId);
        }
        text.parse::<u64>().map_err(|_| InvalidAuthyId)?.try_into()
    }
}

impl fmt::Display for AuthyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A phone number in the form of ITU-T E.164: `+` and 7 to 15 digits, the first of them not 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

/// Not a number in the form of E.164.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a phone number is + and 7 to 15 digits without a leading zero, such as +15551234567")]
pub struct InvalidPhone;

impl FromStr for Phone {
    type Err = InvalidPhone;

    fn from_str(text: &str) -> Result<Self, InvalidPhone> {
        let digits = text.strip_prefix('+').ok_or(InvalidPhone)?;
        let is_number = (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Self(text.to_owned())).ok_or(InvalidPhone)
    }
}

impl Phone {
    /// The whole number. Keep it out of logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A digest of a TOTP secret: it tells two secrets apart, and says nothing about either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TotpId([u8; Self::BYTES]);

impl TotpId {
    const BYTES: usize = 16;

    /// The id that begins with the first bytes of `digest`.
    #[must_use]
    pub fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; Self::BYTES];
        for (to, from) in bytes.iter_mut().zip(digest) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl fmt::Display for TotpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The SHA-256 fingerprint of a public key as `ssh-keygen -lf` shows it: `SHA256:` and 43
/// characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is not a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is SHA256: and 43 characters of base64, as ssh-keygen -lf shows it")]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// The beginning of the text of a fingerprint.
    const PREFIX: &str = "SHA256:";

    /// The fingerprint with this hash.
    #[must_use]
    pub fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let text = text.strip_prefix(Self::PREFIX).ok_or(InvalidFingerprint)?;
        // Without padding, and with the unused bits zero, so each fingerprint has only one
        // spelling.
        let bytes = STANDARD_NO_PAD
            .decode(text)
            .map_err(|_| InvalidFingerprint)?;
        bytes.try_into().map(Self).map_err(|_| InvalidFingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, STANDARD_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authy_id_is_a_positive_integer() {
        assert_eq!("1635".parse::<AuthyId>().map(AuthyId::number), Ok(1635));
        let refused = [
            "",
            "0",
            "-1",
            "+1",
            " 1",
            "1.0",
            "1e3",
            "９",
            "9223372036854775808",
            "1/../2",
        ];
        let accepted: Vec<_> = refused
            .iter()
            .filter(|text| text.parse::<AuthyId>().is_ok())
            .collect();
        assert!(accepted.is_empty(), "{accepted:?}");
        assert!(AuthyId::try_from(0_i64).is_err());
        assert!(AuthyId::try_from(i64::MAX).is_ok());
    }

    #[test]
    fn only_an_e164_number_is_a_phone() {
        let number = "+15551234567";
        assert_eq!(number.parse::<Phone>().unwrap().to_string(), number);
        let refused = [
            "",
            "+",
            "15551234567",
            "+0551234567",
            "+123456",
            "+1234567890123456",
            "+1 555 123",
            "+1555123456x",
            "+１５５５１２３",
        ];
        let accepted: Vec<_> = refused
            .iter()
            .filter(|text| text.parse::<Phone>().is_ok())
            .collect();
        assert!(accepted.is_empty(), "{accepted:?}");
    }
}
