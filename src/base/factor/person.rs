//! The person behind a user: the factors that an entry of the mapping names.
//!
//! Every value is a checked type, so that nothing unchecked gets into a URL, a log line or a file
//! name. An entry counts as the same person as before while it keeps at least one of its factors;
//! factors are compared by [`FactorId`]. Filled by `store::users`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::SendMode;

/// A person, with every factor that the mapping names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// The user of the Authy service.
    pub authy_id: Option<AuthyId>,
    /// The phone number for codes of Twilio Verify.
    pub phone: Option<Phone>,
    /// The person's identity at Twilio Verify, together with `twilio_factor`.
    pub twilio_identity: Option<TwilioIdentity>,
    /// The person's app at Twilio Verify.
    pub twilio_factor: Option<TwilioFactor>,
    /// The name under which totp.toml has the person's secret.
    pub totp: Option<String>,
    /// The SSH security keys that prove the person.
    pub security_keys: Vec<Fingerprint>,
    /// When the person gets a push; `None`: as `login.push` says.
    pub push: Option<SendMode>,
}

impl From<AuthyId> for Person {
    fn from(id: AuthyId) -> Self {
        Self {
            authy_id: Some(id),
            ..Self::default()
        }
    }
}

/// One factor of a person in a form that can be compared and stored: `authy_id=1635`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactorId(String);

impl FactorId {
    fn new(kind: &str, value: &dyn fmt::Display) -> Self {
        Self(format!("{kind}={value}"))
    }

    /// The text, as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The providers that config.toml sets up on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Providers {
    /// config.toml has the table `[authy]`.
    pub authy: bool,
}

/// A factor in the entry that this host cannot check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// The key in the entry.
    pub key: &'static str,
    /// Why it is skipped.
    pub why: &'static str,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is skipped: {}", self.key, self.why)
    }
}

impl Person {
    /// Every factor of the person; `twilio_identity` is a part of `twilio_factor`, and `push` is a
    /// setting.
    #[must_use]
    pub fn factor_ids(&self) -> Vec<FactorId> {
        let mut ids = Vec::new();
        if let Some(id) = self.authy_id {
            ids.push(FactorId::new("authy_id", &id));
        }
        if let Some(phone) = &self.phone {
            ids.push(FactorId::new("phone", phone));
        }
        if let Some(factor) = &self.twilio_factor {
            ids.push(FactorId::new("twilio_factor", factor));
        }
        if let Some(name) = &self.totp {
            ids.push(FactorId::new("totp", name));
        }
        let keys = self.security_keys.iter();
        ids.extend(keys.map(|key| FactorId::new("security_key", key)));
        ids
    }

    /// The kinds of factors that the person has, in the order of [`Person::factor_ids`].
    #[must_use]
    pub fn factor_names(&self) -> Vec<&'static str> {
        let names = [
            ("authy", self.authy_id.is_some()),
            ("phone", self.phone.is_some()),
            ("twilio", self.twilio_factor.is_some()),
            ("totp", self.totp.is_some()),
            ("security_key", !self.security_keys.is_empty()),
        ];
        let present = names.into_iter().filter(|(_, is_present)| *is_present);
        present.map(|(name, _)| name).collect()
    }

    /// The texts of [`Person::factor_ids`], as they are stored.
    #[must_use]
    pub fn stored_ids(&self) -> Vec<String> {
        let ids = self.factor_ids();
        ids.iter().map(|id| id.as_str().to_owned()).collect()
    }

    /// Whether one of `stored`, which are texts of [`FactorId`]s, is still a factor of this person.
    #[must_use]
    pub fn has_one_of(&self, stored: &[String]) -> bool {
        let ids = self.factor_ids();
        ids.iter()
            .any(|id| stored.iter().any(|text| text == id.as_str()))
    }

    /// The person with only those factors that this host can check, and the other factors with the
    /// reason why they are skipped.
    #[must_use]
    pub fn supported_by(&self, providers: Providers) -> (Self, Vec<Skipped>) {
        let mut left = self.clone();
        let mut skipped = Vec::new();
        let mut skip = |key, why| skipped.push(Skipped { key, why });
        if !providers.authy && left.authy_id.take().is_some() {
            skip("authy_id", "config.toml has no table [authy]");
        }
        if left.phone.take().is_some() {
            skip("phone", "config.toml has no table [twilio]");
        }
        if left.twilio_factor.take().is_some() {
            left.twilio_identity = None;
            skip("twilio_factor", "config.toml has no table [twilio]");
        }
        if left.totp.take().is_some() {
            skip("totp", "this version checks no code on the host");
        }
        if !std::mem::take(&mut left.security_keys).is_empty() {
            skip("security_keys", "this version checks no security key");
        }
        (left, skipped)
    }

    /// Whether no factor is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.factor_ids().is_empty()
    }
}

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

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not an identity or factor of Twilio Verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTwilio {
    /// The identity has another form.
    #[error("a twilio_identity is 8 to 64 letters, digits and dashes")]
    Identity,
    /// The factor has another form.
    #[error("a twilio_factor is YF and 32 hexadecimal digits")]
    Factor,
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

/// The SID of a factor at Twilio Verify: `YF` and 32 hexadecimal digits.
///
/// Source: Twilio Verify API, pattern of `FactorSid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioFactor(String);

impl FromStr for TwilioFactor {
    type Err = InvalidTwilio;

    fn from_str(text: &str) -> Result<Self, InvalidTwilio> {
        let digits = text.strip_prefix("YF").ok_or(InvalidTwilio::Factor)?;
        let is_sid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sid
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidTwilio::Factor)
    }
}

impl fmt::Display for TwilioFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

    const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

    fn erin() -> Person {
        Person {
            authy_id: Some("1636".parse().unwrap()),
            phone: Some("+15551234567".parse().unwrap()),
            twilio_identity: Some("a3f1-0000".parse().unwrap()),
            twilio_factor: Some(format!("YF{}", "0".repeat(32)).parse().unwrap()),
            totp: Some("erin".into()),
            security_keys: vec![KEY.parse().unwrap()],
            push: Some(SendMode::Auto),
        }
    }

    #[test]
    fn every_factor_has_an_id_and_a_setting_has_none() {
        let sid = format!("twilio_factor=YF{}", "0".repeat(32));
        let key = format!("security_key={KEY}");
        assert_eq!(
            erin().stored_ids(),
            [
                "authy_id=1636",
                "phone=+15551234567",
                &sid,
                "totp=erin",
                &key
            ]
        );
    }

    #[test]
    fn a_person_stays_the_same_while_one_factor_is_kept() {
        let before = erin().stored_ids();
        let mut kept = Person::from(AuthyId::try_from(1636_u64).unwrap());
        assert!(kept.has_one_of(&before));
        kept.authy_id = Some("1637".parse().unwrap());
        assert!(!kept.has_one_of(&before));
        kept.totp = Some("erin".into());
        assert!(kept.has_one_of(&before));
        assert!(!Person::default().has_one_of(&before));
        assert!(!erin().has_one_of(&[]));
    }

    #[test]
    fn a_factor_whose_table_is_missing_is_skipped_by_name() {
        let (left, skipped) = erin().supported_by(Providers { authy: true });
        let expected = Person {
            push: Some(SendMode::Auto),
            ..Person::from(AuthyId::try_from(1636_u64).unwrap())
        };
        assert_eq!(left, expected);
        let keys: Vec<_> = skipped.iter().map(|skipped| skipped.key).collect();
        assert_eq!(keys, ["phone", "twilio_factor", "totp", "security_keys"]);
        let (left, skipped) = erin().supported_by(Providers::default());
        assert!(left.is_empty());
        assert_eq!(
            skipped[0].to_string(),
            "authy_id is skipped: config.toml has no table [authy]"
        );
    }

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
}
