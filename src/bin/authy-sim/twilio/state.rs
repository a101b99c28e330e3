//! The state of Verify: services, verifications, people, apps, challenges, and settings.
//!
//! Its clock can be advanced, so that tests of windows and caps need not wait.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Totp};

use super::answer::Refusal;
use super::keys::Account;
use super::saved::Part;
use super::services::Service;

/// Everything that Twilio knows.
pub(crate) struct Twilio {
    pub(super) account: Account,
    pub(super) services: BTreeMap<String, Service>,
    /// The latest one last.
    pub(super) verifications: Vec<Verification>,
    /// By service and identity.
    pub(super) entities: BTreeMap<(String, String), Entity>,
    /// How many starts counted for a rate limit with a value.
    pub(super) rate_counts: BTreeMap<(String, String), u64>,
    pub(super) settings: Settings,
    /// What is to be saved.
    pub(super) changed: BTreeSet<Part>,
}

/// What tests change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// How long a code is valid, in seconds.
    pub(super) verification_seconds: u64,
    /// How many seconds Twilio's clock is ahead of this machine's.
    pub(super) ahead_seconds: u64,
    /// The HTTP status of an answer to a check: 200 or 201, of which the documents name both.
    pub(super) check_status: u16,
    /// Whether the sixth check of a verification is answered by 404/20404 instead of 429/60202.
    pub(super) sixth_check_is_404: bool,
    /// Whether a wrong code of an app is answered by 403, as before 2021.
    pub(super) wrong_code_is_403: bool,
    /// Whether Twilio refuses a code of an app that was used; what it does is not documented.
    pub(super) refuses_used_codes: bool,
    /// The HTTP status when a restricted key lacks a permission: 401 or 403.
    pub(super) permission_status: u16,
    /// Further permissions of the host's key.
    pub(super) permissions: Vec<String>,
    /// Whether the account is suspended.
    pub(super) closed: bool,
    /// The unique names of the service's rate limits, and how many starts each allows to one value.
    pub(super) rate_limits: BTreeMap<String, u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            verification_seconds: 600,
            ahead_seconds: 0,
            check_status: 200,
            sixth_check_is_404: false,
            wrong_code_is_403: false,
            refuses_used_codes: false,
            permission_status: 403,
            permissions: Vec::new(),
            closed: false,
            rate_limits: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Whether the host's key has this permission besides its own.
    pub(super) fn also_allowed(&self, permission: &str) -> bool {
        self.permissions.iter().any(|own| own == permission)
    }
}

/// What has become of a verification or a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Pending,
    Approved,
    Canceled,
}

/// A code that was sent to a number.
#[derive(Serialize, Deserialize)]
pub(super) struct Verification {
    pub(super) sid: String,
    pub(super) service: String,
    pub(super) to: String,
    pub(super) channel: String,
    pub(super) locale: Option<String>,
    /// What the last start said for rate limits.
    pub(super) rate_limits: serde_json::Value,
    pub(super) code: String,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) checks: u32,
    pub(super) status: Status,
    /// The SIDs of the attempts, with channel and time.
    pub(super) sends: Vec<(String, String, u64)>,
    /// When its status was asked for.
    pub(super) reads: Vec<u64>,
}

/// A person.
#[derive(Serialize, Deserialize)]
pub(super) struct Entity {
    pub(super) sid: String,
    pub(super) created: u64,
    pub(super) factors: Vec<Factor>,
    pub(super) challenges: Vec<Challenge>,
    /// When factors were created.
    pub(super) creations: Vec<u64>,
}

/// An app.
#[derive(Serialize, Deserialize)]
pub(super) struct Factor {
    pub(super) sid: String,
    pub(super) name: String,
    pub(super) secret: String,
    pub(super) config: Config,
    pub(super) verified: bool,
    pub(super) wrong_codes: u32,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) used_steps: Vec<u64>,
}

/// The settings of an app's codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) alg: String,
    pub(super) time_step: u64,
    pub(super) code_length: u64,
    pub(super) skew: u64,
}

/// A login by an app.
#[derive(Serialize, Deserialize)]
pub(super) struct Challenge {
    pub(super) sid: String,
    pub(super) factor: String,
    pub(super) status: Status,
    pub(super) guesses: u32,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) expires: u64,
    pub(super) responded: Option<u64>,
    pub(super) hidden: serde_json::Value,
}

impl Twilio {
    /// Twilio's clock, in seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        crate::state::now() + self.settings.ahead_seconds
    }

    pub(super) fn service(&self, sid: &str) -> Result<&Service, Refusal> {
        let path = format!("/Services/{sid}");
        self.services
            .get(sid)
            .ok_or_else(|| Refusal::not_found(&path))
    }

    /// Returns a person of a service, for changes.
    pub(super) fn entity(&mut self, service: &str, name: &str) -> Result<&mut Entity, Refusal> {
        let key = (service.to_owned(), name.to_owned());
        let path = format!("/Services/{service}/Entities/{name}");
        let found = self.entities.get_mut(&key);
        let found = found.ok_or_else(|| Refusal::not_found(&path))?;
        self.changed.insert(Part::Entity(key.0, key.1));
        Ok(found)
    }
}

impl Factor {
    /// Checks a code within the skew. Returns whether it is right, and uses it up.
    pub(super) fn check(&mut self, code: &str, now: u64, refuses_used: bool) -> bool {
        let Some(totp) = self.totp() else {
            return false;
        };
        let (step, skew) = (now / self.config.time_step, self.config.skew);
        let steps = step.saturating_sub(skew)..=step + skew;
        let is_code = |step: &u64| totp.generate(step * self.config.time_step).to_string() == code;
        let Some(step) = steps.into_iter().find(is_code) else {
            return false;
        };
        if refuses_used && self.used_steps.contains(&step) {
            return false;
        }
        // An older step is outside of the skew for good.
        self.used_steps.retain(|used| used + 2 * skew >= step);
        self.used_steps.push(step);
        true
    }

    /// The generator of its codes.
    pub(super) fn totp(&self) -> Option<Totp> {
        let secret = totp_rs::Secret::try_from_base32(&self.secret).ok()?;
        let algorithm = match self.config.alg.as_str() {
            "sha256" => Algorithm::SHA256,
            "sha512" => Algorithm::SHA512,
            _ => Algorithm::SHA1,
        };
        let digits = u8::try_from(self.config.code_length).ok()?;
        let builder = Builder::new()
            .with_algorithm(algorithm)
            .with_digits(digits)
            .with_step_duration(self.config.time_step)
            .with_secret(secret);
        Some(builder.build_noncompliant())
    }
}
