//! The app of one person: its secret, and how it computes codes (RFC 6238).
//!
//! A secret comes from totp.toml, a command line's standard input or a file of another program, and
//! is not trusted to be one. It is wiped when dropped, and neither an error nor `Debug` shows it.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};
use totp_rs::Secret;
use zeroize::Zeroizing;

use crate::base::factor::TotpId;

/// The lengths of a secret in bytes. google-authenticator's oldest secrets have 80 bits.
const LENGTHS: std::ops::RangeInclusive<usize> = 10..=128;
/// The digits of a code.
const DIGITS: std::ops::RangeInclusive<u8> = 6..=8;
/// The seconds for which a code is shown.
const PERIODS: std::ops::RangeInclusive<u32> = 15..=120;

/// Why a secret or one of its settings cannot be used. No text quotes a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTotp {
    /// A character is not of base 32, or base 32 never has that many characters.
    #[error("secret is not base32: letters A to Z and digits 2 to 7")]
    NotBase32,
    /// The secret is too short or too long.
    #[error("secret has {0} bytes once decoded, not 10 to 128")]
    Length(usize),
    /// The number of digits of a code.
    #[error("digits must be 6, 7 or 8")]
    Digits,
    /// How long a code is shown.
    #[error("period must be 15 to 120 seconds")]
    Period,
    /// The hash function.
    #[error("algorithm must be \"SHA1\", \"SHA256\" or \"SHA512\"")]
    Algorithm,
}

/// The hash function of the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// SHA-1, which every app has.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The word in totp.toml and in `otpauth://` addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

impl FromStr for Algorithm {
    type Err = InvalidTotp;

    fn from_str(text: &str) -> Result<Self, InvalidTotp> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or(InvalidTotp::Algorithm)
    }
}

/// An authenticator app: a secret, and how codes are computed from it.
#[derive(Debug, Clone)]
pub struct Authenticator {
    secret: Secret,
    digits: u8,
    period: u32,
    algorithm: Algorithm,
}

impl Authenticator {
    /// The app with this secret in base 32 and the usual settings: 6 digits every 30 seconds, SHA-1.
    /// Blanks, dashes, lower case and padding, as people type and programs print secrets, are
    /// accepted.
    ///
    /// # Errors
    /// The text is not base 32, or has less than 10 or more than 128 bytes.
    pub fn from_base32(text: &str) -> Result<Self, InvalidTotp> {
        let mut plain = Zeroizing::new(String::with_capacity(text.len()));
        let kept = text
            .chars()
            .filter(|c| !c.is_ascii_whitespace() && *c != '-');
        plain.extend(kept.map(|c| c.to_ascii_uppercase()));
        let plain = plain.trim_end_matches('=');
        let is_base32 = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
        // Bytes in groups of five bits never leave 1, 3 or 6 characters: some were lost.
        if !plain.bytes().all(is_base32) || [1, 3, 6].contains(&(plain.len() % 8)) {
            return Err(InvalidTotp::NotBase32);
        }
        let secret = Secret::try_from_base32(plain).map_err(|_| InvalidTotp::NotBase32)?;
        Self::from_secret(secret)
    }

    /// The app with these secret bytes and the usual settings.
    ///
    /// # Errors
    /// There are less than 10 or more than 128 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidTotp> {
        Self::from_secret(Secret::from(bytes.to_vec()))
    }

    fn from_secret(secret: Secret) -> Result<Self, InvalidTotp> {
        let length = secret.as_bytes().len();
        if !LENGTHS.contains(&length) {
            return Err(InvalidTotp::Length(length));
        }
        Ok(Self {
            secret,
            digits: 6,
            period: 30,
            algorithm: Algorithm::default(),
        })
    }

    /// The app with codes of this many digits.
    ///
    /// # Errors
    /// They are not 6 to 8.
    pub fn with_digits(self, digits: i64) -> Result<Self, InvalidTotp> {
        let digits = u8::try_from(digits).map_err(|_| InvalidTotp::Digits)?;
        let is_valid = DIGITS.contains(&digits);
        is_valid
            .then_some(Self { digits, ..self })
            .ok_or(InvalidTotp::Digits)
    }

    /// The app with a new code after this many seconds.
    ///
    /// # Errors
    /// They are not 15 to 120.
    pub fn with_period(self, seconds: i64) -> Result<Self, InvalidTotp> {
        let period = u32::try_from(seconds).map_err(|_| InvalidTotp::Period)?;
        let is_valid = PERIODS.contains(&period);
        is_valid
            .then_some(Self { period, ..self })
            .ok_or(InvalidTotp::Period)
    }

    /// The app with another hash function.
    #[must_use]
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// The secret itself.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The digits of a code, 6 to 8.
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// How long a code is shown, 15 to 120 seconds.
    #[must_use]
    pub fn period(&self) -> u32 {
        self.period
    }

    /// The hash function.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The secret in base 32, in upper case and without padding.
    #[must_use]
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.secret.to_base32())
    }

    /// A digest of the secret.
    #[must_use]
    pub fn id(&self) -> TotpId {
        let mut context = Context::new(&SHA256);
        context.update(b"pam_authy totp secret\0");
        context.update(self.secret.as_bytes());
        TotpId::new(context.finish().as_ref())
    }

    /// Whether both compute the same codes.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let settings = |one: &Self| (one.digits, one.period, one.algorithm);
        self.secret == other.secret && settings(self) == settings(other)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6238, appendix B: the 20 bytes "12345678901234567890".
    const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn blanks_dashes_case_and_padding_of_a_secret_do_not_matter() {
        let spellings = [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            " GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ\r\n",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======",
        ];
        let wrong: Vec<_> = spellings
            .into_iter()
            .filter(|text| {
                let read = Authenticator::from_base32(text);
                !read.is_ok_and(|app| app.secret().as_bytes() == b"12345678901234567890")
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let app = Authenticator::from_base32(BASE32).unwrap();
        assert_eq!(app.to_base32().as_str(), BASE32);
    }

    #[test]
    fn a_secret_that_is_not_base32_or_has_a_wrong_length_is_refused() {
        let rows = [
            (String::new(), InvalidTotp::Length(0)),
            ("GE".to_owned(), InvalidTotp::Length(1)),
            ("GEZ".to_owned(), InvalidTotp::NotBase32),
            ("GEZDGNBVGY3TQOJ".to_owned(), InvalidTotp::Length(9)),
            (format!("{BASE32}G"), InvalidTotp::NotBase32),
            (format!("{BASE32}0"), InvalidTotp::NotBase32),
            (format!("{BASE32}é"), InvalidTotp::NotBase32),
            (format!("=={BASE32}"), InvalidTotp::NotBase32),
            ("A".repeat(5000), InvalidTotp::Length(3125)),
            ("A".repeat(207), InvalidTotp::Length(129)),
        ];
        let wrong: Vec<_> = rows
            .into_iter()
            .map(|(text, expected)| (Authenticator::from_base32(&text).err(), expected))
            .filter(|(error, expected)| error.as_ref() != Some(expected))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        for length in [16, 205] {
            assert!(Authenticator::from_base32(&"A".repeat(length)).is_ok());
        }
    }

    #[test]
    fn digits_periods_and_algorithms_are_those_of_the_contract() {
        let app = || Authenticator::from_base32(BASE32).unwrap();
        for (digits, is_valid) in [(5, false), (6, true), (8, true), (9, false), (-6, false)] {
            assert_eq!(app().with_digits(digits).is_ok(), is_valid, "{digits}");
        }
        for (period, is_valid) in [(14, false), (15, true), (120, true), (121, false)] {
            assert_eq!(app().with_period(period).is_ok(), is_valid, "{period}");
        }
        for (word, is_valid) in [
            ("SHA1", true),
            ("SHA512", true),
            ("sha1", false),
            ("MD5", false),
        ] {
            assert_eq!(word.parse::<Algorithm>().is_ok(), is_valid, "{word}");
        }
    }

    #[test]
    fn two_secrets_have_two_ids_and_nothing_shows_a_secret() {
        let app = Authenticator::from_base32(BASE32).unwrap();
        let other = Authenticator::from_bytes(b"12345678901234567891").unwrap();
        assert_ne!(app.id(), other.id());
        let spelled = Authenticator::from_base32(&BASE32.to_lowercase()).unwrap();
        assert_eq!(app.id(), spelled.with_digits(8).unwrap().id());
        let shown = format!("{app:?}");
        assert!(
            !shown.contains("GEZD") && !shown.contains("1234"),
            "{shown}"
        );
        assert!(!shown.contains("49, 50"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_secret_that_is_written_can_be_read(bytes in prop::collection::vec(any::<u8>(), 10..=128)) {
            let app = Authenticator::from_bytes(&bytes).unwrap();
            let read = Authenticator::from_base32(&app.to_base32()).unwrap();
            prop_assert_eq!(read.secret().as_bytes(), bytes.as_slice());
            prop_assert!(read.is_same_as(&app));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = Authenticator::from_base32(&text);
        }
    }
}
