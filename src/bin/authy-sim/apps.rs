//! An authenticator app on the simulated phone, for codes that no service checks: those of a host
//! itself.
//!
//! A person of the demo types a secret into it, by `POST /phone/apps`, as into any app. `control.rs`
//! shows its codes on the phone page. Authy knows nothing of it.

use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use crate::state::now;

/// What an app assumes of a secret that was typed: 6 digits, SHA-1, and this many seconds.
const STEP_SECONDS: u64 = 30;

/// One account in the app.
pub(crate) struct App {
    name: String,
    totp: Totp,
}

impl App {
    /// Returns the account with this name and this secret in base 32, which may have blanks between its
    /// letters; `None` where it is not base 32.
    pub(crate) fn new(name: &str, secret: &str) -> Option<Self> {
        let secret = Secret::try_from_base32(secret.replace(' ', "")).ok()?;
        let totp = Builder::new()
            .with_digits(6)
            .with_step_duration(STEP_SECONDS)
            .with_secret(secret)
            .build_noncompliant();
        Some(Self {
            name: name.to_owned(),
            totp,
        })
    }

    /// Whether this account has the name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name == name
    }

    /// Returns the account as the phone page shows it: with the present code, used or not.
    pub(crate) fn phone_json(&self) -> Value {
        let now = now();
        json!({
            "name": self.name,
            "code": self.totp.generate(now).to_string(),
            "seconds_left": STEP_SECONDS - now % STEP_SECONDS,
        })
    }
}
