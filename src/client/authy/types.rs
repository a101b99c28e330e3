//! Checked types of the API: each value is safe in a URL.
//!
//! In 2015 the "token" `../sms` turned a verify into another call, which answered success. So the
//! client puts text from outside into a path only after it was parsed as one of these types. Used
//! by the resources of the client and by their callers.

use std::fmt;
use std::str::FromStr;

use crate::base::secret::Secret;

pub use crate::base::factor::{AuthyId, InvalidAuthyId};

/// The digits that a person types: 6 to 12 ASCII digits, with leading zeros. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct Token(Secret);

/// The text is not 6 to 12 ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is 6 to 12 digits")]
pub struct InvalidToken;

impl Token {
    /// Returns the digits. Keep them out of logs, although a token works only once.
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

/// The 5 to 15 digits of a phone number within its country, without separators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cellphone(String);

/// The text is not a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cellphone is 5 to 15 digits; spaces, dashes, dots and parentheses between them are ignored"
)]
pub struct InvalidCellphone;

impl Cellphone {
    /// Returns the digits.
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

/// A country's calling code: 1 to 4 digits without a leading zero, such as 1, 57 or 351.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountryCode(u16);

/// The text is not a calling code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country code is 1 to 4 digits, such as 1 or 351")]
pub struct InvalidCountryCode;

impl Default for CountryCode {
    /// Returns 1, the default of all of Authy's own clients.
    fn default() -> Self {
        Self(1)
    }
}

impl CountryCode {
    /// Returns the number.
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

/// The id of an approval request or a phone verification: 1 to 64 letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uuid(String);

/// The text is not 1 to 64 letters, digits and dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a uuid is 1 to 64 letters, digits and dashes")]
pub struct InvalidUuid;

impl FromStr for Uuid {
    type Err = InvalidUuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(is_allowed) {
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

    /// Returns those of `texts` that parse as a `T`.
    fn accepted<'a, T: FromStr>(texts: &[&'a str]) -> Vec<&'a str> {
        let parses = |text: &&str| text.parse::<T>().is_ok();
        texts.iter().copied().filter(parses).collect()
    }

    #[test]
    fn a_token_keeps_its_leading_zeros() {
        assert_eq!("0000000".parse::<Token>().unwrap().digits(), "0000000");
    }

    #[test]
    fn only_six_to_twelve_ascii_digits_are_a_token() {
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
        assert_eq!(accepted::<Token>(&bad), [""; 0]);
    }

    #[test]
    fn a_cellphone_is_reduced_to_its_digits() {
        let cellphone: Cellphone = "(405) 342-56.99".parse().unwrap();
        assert_eq!(cellphone.digits(), "4053425699");
        let bad = [
            "",
            "1234",
            "1234567890123456",
            "+15550100",
            "555x0100",
            "５５５０１００",
        ];
        assert_eq!(accepted::<Cellphone>(&bad), [""; 0]);
    }

    #[test]
    fn a_country_code_is_a_small_number_without_a_leading_zero() {
        assert_eq!(
            "+351".parse::<CountryCode>().map(CountryCode::number),
            Ok(351)
        );
        let bad = ["", "0", "01", "12345", "++1", "1a", "-1", "+"];
        assert_eq!(accepted::<CountryCode>(&bad), [""; 0]);
    }

    #[test]
    fn a_uuid_cannot_change_the_path_of_a_url() {
        let good = "00000000-1111-0135-2222-333333333333";
        assert_eq!(accepted::<Uuid>(&[good]), [good]);
        let long = "x".repeat(65);
        let bad = ["", "../x", "a/b", "a%2fb", "a?b", "é", &long];
        assert_eq!(accepted::<Uuid>(&bad), [""; 0]);
    }

    proptest! {
        #[test]
        fn every_parsed_token_has_only_digits(text in any::<String>()) {
            if let Ok(token) = text.parse::<Token>() {
                prop_assert!(token.digits().bytes().all(|b| b.is_ascii_digit()));
                prop_assert!((6..=12).contains(&token.digits().len()));
            }
        }
    }
}
