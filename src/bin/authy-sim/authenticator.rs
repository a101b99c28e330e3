//! An authenticator app's secret and codes (RFC 6238 with SHA-1).
//!
//! A person's Authy app has one, so has another app that scanned a QR code of Authy, and so has
//! each account in the app whose codes no service checks. A checked code is used up.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret};

use crate::person::TokenCheck;
use crate::random;
use crate::state::now;

/// One secret, and the time steps whose code was used.
#[derive(Serialize, Deserialize)]
pub(crate) struct Authenticator {
    /// In base 32.
    secret: String,
    digits: u8,
    step_seconds: u64,
    used_steps: BTreeSet<u64>,
}

impl Authenticator {
    /// Returns an app with a new secret of 160 bits.
    pub(crate) fn new(digits: u8, step_seconds: u64) -> Self {
        let secret = Secret::from(random::bytes::<20>()).to_base32();
        Self {
            secret,
            digits,
            step_seconds,
            used_steps: BTreeSet::new(),
        }
    }

    /// Returns an app with this secret in base 32, which may have blanks between its letters;
    /// `None` where it is not base 32.
    pub(crate) fn with_secret(secret: &str, digits: u8, step_seconds: u64) -> Option<Self> {
        let secret = secret.replace(' ', "");
        Secret::try_from_base32(&secret).ok()?;
        Some(Self {
            secret,
            ..Self::new(digits, step_seconds)
        })
    }

    /// Returns the secret in base 32.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the code of a time step.
    fn code(&self, step: u64) -> String {
        let secret = Secret::try_from_base32(&self.secret);
        let totp = Builder::new()
            .with_digits(self.digits)
            .with_step_duration(self.step_seconds)
            .with_secret(secret.unwrap_or_else(|_| Secret::from(Vec::new())))
            .build_noncompliant();
        totp.generate(step * self.step_seconds).to_string()
    }

    /// Checks a code of the present step or of one next to it, and marks it as used.
    pub(crate) fn check(&mut self, code: &str) -> TokenCheck {
        let current = now() / self.step_seconds;
        let steps = current.saturating_sub(1)..=current + 1;
        self.used_steps.retain(|step| steps.contains(step));
        match steps.into_iter().find(|step| self.code(*step) == code) {
            Some(step) if self.used_steps.insert(step) => TokenCheck::Valid { by_sms: false },
            Some(_) => TokenCheck::AlreadyUsed,
            None => TokenCheck::Invalid,
        }
    }

    /// Returns the present code, used or not.
    pub(crate) fn present_code(&self) -> String {
        self.code(now() / self.step_seconds)
    }

    /// Returns the code that is accepted now: the present one, or the next one if that is used.
    pub(crate) fn unused_code(&self) -> String {
        let current = now() / self.step_seconds;
        self.code(current + u64::from(self.used_steps.contains(&current)))
    }

    /// Returns for how many more seconds an app shows its present code.
    pub(crate) fn seconds_left(&self) -> u64 {
        self.step_seconds - now() % self.step_seconds
    }
}
