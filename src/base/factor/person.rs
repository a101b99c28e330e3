//! The person behind a user: the factors that an entry of the mapping names.
//!
//! Every value is a checked type, so that nothing unchecked gets into a URL, a log line or a file
//! name. An entry counts as the same person as before while it keeps at least one of its factors;
//! factors are compared by [`FactorId`]. Filled by `store::users`.

use std::fmt;

use super::{AuthyId, Fingerprint, Phone, SendMode, TotpId, TwilioFactor, TwilioIdentity};

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
    /// Which secret that is, where totp.toml was read and has it.
    pub totp_id: Option<TotpId>,
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

/// The key of [`Person::security_keys`] in an entry.
pub const SECURITY_KEYS: &str = "security_keys";

/// Why no code of an app is checked.
const NO_TOKEN: &str = "login.factors has no \"token\"";

/// Why a security key proves nothing.
const NO_SECURITY_KEY: &str =
    "login.factors has no \"security-key\", or the service is not in login.ssh_services";

/// Why no code is sent to a number.
const SENDS_NOTHING: &str = "the rules of the service send no SMS and make no call";

/// What can be checked on this host, by config.toml.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Providers {
    /// config.toml has the table `[authy]`.
    pub authy: bool,
    /// config.toml has the table `[twilio]`.
    pub twilio: bool,
    /// The rules of the service accept codes of an app, so that those of TOTP and of Twilio are
    /// checked.
    pub totp: bool,
    /// The rules of the service let codes be sent by SMS or call.
    pub sends: bool,
    /// The rules of the service accept security keys, and it is one of sshd.
    pub security_keys: bool,
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
    /// The factors by which a person is recognized. `twilio_identity` is a part of `twilio_factor`,
    /// and `push` is a setting. An app is recognized by its secret and not by `totp`, the secret's
    /// name: the secret behind a name may become another person's.
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
        if let Some(id) = self.totp_id {
            ids.push(FactorId::new("totp", &id));
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

    /// The factors that this host cannot check, with the reason.
    #[must_use]
    pub fn skipped_by(&self, providers: Providers) -> Vec<Skipped> {
        let mut skipped = Vec::new();
        let mut skip = |key, why| skipped.push(Skipped { key, why });
        if !providers.authy && self.authy_id.is_some() {
            skip("authy_id", "config.toml has no table [authy]");
        }
        let no_twilio = (!providers.twilio).then_some("config.toml has no table [twilio]");
        let why = no_twilio.or((!providers.sends).then_some(SENDS_NOTHING));
        if let (Some(why), Some(_)) = (why, &self.phone) {
            skip("phone", why);
        }
        let why = no_twilio.or((!providers.totp).then_some(NO_TOKEN));
        if let (Some(why), Some(_)) = (why, &self.twilio_factor) {
            skip("twilio_factor", why);
        }
        if !providers.totp && self.totp.is_some() {
            skip("totp", NO_TOKEN);
        }
        if !providers.security_keys && !self.security_keys.is_empty() {
            skip(SECURITY_KEYS, NO_SECURITY_KEY);
        }
        skipped
    }

    /// Whether the person has a factor that this host can check.
    #[must_use]
    pub fn has_supported(&self, providers: Providers) -> bool {
        let at_twilio = (providers.sends && self.phone.is_some())
            || (providers.totp && self.twilio_factor.is_some());
        (providers.authy && self.authy_id.is_some())
            || (providers.twilio && at_twilio)
            || (providers.totp && self.totp.is_some())
            || (providers.security_keys && !self.security_keys.is_empty())
    }

    /// Whether the person has no factor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.factor_names().is_empty()
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
            totp_id: Some(TotpId::new(&[0xab; 16])),
            security_keys: vec![KEY.parse().unwrap()],
            push: Some(SendMode::Auto),
        }
    }

    #[test]
    fn a_factor_has_an_id_and_a_setting_or_a_mere_name_has_none() {
        let sid = format!("twilio_factor=YF{}", "0".repeat(32));
        let key = format!("security_key={KEY}");
        let totp = format!("totp={}", "ab".repeat(16));
        assert_eq!(
            erin().stored_ids(),
            ["authy_id=1636", "phone=+15551234567", &sid, &totp, &key]
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
        assert!(!kept.has_one_of(&before), "a name is not a secret");
        kept.totp_id = erin().totp_id;
        assert!(kept.has_one_of(&before));
        kept.totp_id = None;
        kept.phone = Some("+15551234567".parse().unwrap());
        assert!(kept.has_one_of(&before));
        assert!(!Person::default().has_one_of(&before));
        assert!(!erin().has_one_of(&[]));
    }

    #[test]
    fn a_factor_whose_table_is_missing_is_skipped_by_name() {
        let all = Providers {
            authy: true,
            twilio: true,
            totp: true,
            sends: true,
            security_keys: true,
        };
        let keys = |providers| {
            let skipped = erin().skipped_by(providers);
            skipped
                .iter()
                .map(|skipped| skipped.key)
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(all), [""; 0]);
        let twilio = false;
        assert_eq!(
            keys(Providers { twilio, ..all }),
            ["phone", "twilio_factor"]
        );
        let sends = false;
        assert_eq!(keys(Providers { sends, ..all }), ["phone"]);
        let totp = false;
        assert_eq!(keys(Providers { totp, ..all }), ["twilio_factor", "totp"]);
        let security_keys = false;
        assert_eq!(
            keys(Providers {
                security_keys,
                ..all
            }),
            ["security_keys"]
        );
        let none = Providers::default();
        assert_eq!(
            keys(none),
            [
                "authy_id",
                "phone",
                "twilio_factor",
                "totp",
                "security_keys"
            ]
        );
        assert_eq!(
            erin().skipped_by(none)[0].to_string(),
            "authy_id is skipped: config.toml has no table [authy]"
        );
    }

    #[test]
    fn a_person_is_supported_by_a_factor_that_is_not_skipped() {
        let none = Providers::default();
        let [totp, sends, security_keys] = [true, true, true];
        let rows = [
            (
                Providers {
                    security_keys,
                    ..none
                },
                true,
            ),
            (none, false),
            (
                Providers {
                    authy: true,
                    ..none
                },
                true,
            ),
            (Providers { totp, ..none }, true),
            (
                Providers {
                    twilio: true,
                    ..none
                },
                false,
            ),
            (Providers { sends, ..none }, false),
        ];
        assert_eq!(
            rows.map(|(providers, _)| erin().has_supported(providers)),
            rows.map(|(_, expected)| expected)
        );
        let twilio = Providers {
            twilio: true,
            ..none
        };
        let alone = |phone: bool| {
            let erin = erin();
            Person {
                phone: erin.phone.filter(|_| phone),
                twilio_factor: erin.twilio_factor.filter(|_| !phone),
                ..Person::default()
            }
        };
        assert!(alone(true).has_supported(Providers { sends, ..twilio }));
        assert!(!alone(true).has_supported(Providers { totp, ..twilio }));
        assert!(alone(false).has_supported(Providers { totp, ..twilio }));
        assert!(!alone(false).has_supported(Providers { sends, ..twilio }));
    }
}
