//! Checked types of the wire: whoever holds one holds a value that is safe in a URL.
//!
//! In 2015 a "token" of `../sms` turned a verify into another call that answered success, so nothing
//! that a person typed gets near a URL before it is one of these.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::secret::Secret;

/// Authy's number for a person: an integer from 1 to 2^63-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthyId(NonZeroU64);

/// Not an integer from 1 to 2^63-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an authy id is an integer from 1 to 9223372036854775807")]
pub struct InvalidAuthyId;

impl AuthyId {
    /// The largest id that TOML, JSON and Authy's clients all can hold.
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
        if !text.bytes().all(|b| b.is_ascii_digit()) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_authy_id_is_a_positive_integer() {
        assert_eq!("1635".parse::<AuthyId>().map(AuthyId::number), Ok(1635));
        for bad in [
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
        ] {
            assert_eq!(bad.parse::<AuthyId>(), Err(InvalidAuthyId), "{bad}");
        }
        assert!(AuthyId::try_from(0_i64).is_err());
        assert!(AuthyId::try_from(i64::MAX).is_ok());
    }

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
