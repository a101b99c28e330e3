//! Checked types of the wire: whoever holds one holds a value that is safe in a URL.
//!
//! In 2015 a "token" of `../sms` turned a verify into another call that answered success, so nothing
//! that a person typed gets near a URL before it is one of these.

use std::fmt;
use std::str::FromStr;

use crate::base::secret::Secret;

pub use crate::base::factor::{AuthyId, InvalidAuthyId};

/// The digits that a person types: 6 to 12 ASCII digits, leading zeros kept. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct Token(Secret);

/// Not 6 to 12 ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is 6 to 12 digits")]
pub struct InvalidToken;

impl Token {
    /// The digits. They work once: keep them out of logs all the same.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let right_length = (6..=12).contains(&text.len());
        if right_length && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err(InvalidToken)
        }
    }
}

/// The digits of a phone number within its country, 5 to 15; separators are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cellphone(String);

/// Not a number that a phone could have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cellphone is 5 to 15 digits, with spaces, dashes, dots or parentheses between them at most"
)]
pub struct InvalidCellphone;

impl Cellphone {
    /// The digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for Cellphone {
    type Err = InvalidCellphone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(|c| !" -.()".contains(*c)).collect();
        if (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(InvalidCellphone)
        }
    }
}

/// A country's calling code: 1 to 4 digits without a zero in front, such as 1, 57 or 351.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountryCode(u16);

/// Not a calling code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country code is 1 to 4 digits, such as 1 or 351")]
pub struct InvalidCountryCode;

impl Default for CountryCode {
    /// 1, as in all of Authy's own clients.
    fn default() -> Self {
        Self(1)
    }
}

impl CountryCode {
    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl FromStr for CountryCode {
    type Err = InvalidCountryCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let is_code = (1..=4).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        match digits.parse() {
            Ok(number) if is_code => Ok(Self(number)),
            _ => Err(InvalidCountryCode),
        }
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of an approval request or a phone verification: 1 to 64 letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uuid(String);

/// Not 1 to 64 letters, digits and dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a uuid is 1 to 64 letters, digits and dashes")]
pub struct InvalidUuid;

impl FromStr for Uuid {
    type Err = InvalidUuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUuid)
        }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_keeps_its_leading_zeros() {
        assert_eq!("0000000".parse::<Token>().unwrap().digits(), "0000000");
    }

    #[test]
    fn nothing_but_six_to_twelve_ascii_digits_is_a_token() {
        let bad = [
            "",
            "12345",
            "1234567890123",
            "123 456",
            "123456\n",
            "../sms",
            "%2f%2e",
            "1e5000",
            "-12345",
            "+123456",
            "１２３４５６",
            "٠١٢٣٤٥",
            "123456#",
            "abcdef",
        ];
        for text in bad {
            assert!(text.parse::<Token>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_cellphone_keeps_its_digits_only() {
        let digits = |text: &str| text.parse::<Cellphone>().map(|c| c.digits().to_owned());
        assert_eq!(digits("(405) 342-56.99"), Ok("4053425699".to_owned()));
        for bad in [
            "",
            "1234",
            "1234567890123456",
            "+15550100",
            "555x0100",
            "５５５０１００",
        ] {
            assert!(digits(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_country_code_is_a_small_number_without_a_leading_zero() {
        assert_eq!(
            "+351".parse::<CountryCode>().map(CountryCode::number),
            Ok(351)
        );
        for bad in ["", "0", "01", "12345", "++1", "1a", "-1", "+"] {
            assert!(bad.parse::<CountryCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_uuid_stays_in_its_place_in_a_path() {
        assert!(
            "00000000-1111-0135-2222-333333333333"
                .parse::<Uuid>()
                .is_ok()
        );
        for bad in ["", "../x", "a/b", "a%2fb", "a?b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<Uuid>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_as_a_token_is_digits_only(text in any::<String>()) {
            if let Ok(token) = text.parse::<Token>() {
                prop_assert!(token.digits().bytes().all(|b| b.is_ascii_digit()));
                prop_assert!((6..=12).contains(&token.digits().len()));
            }
        }
    }
}
