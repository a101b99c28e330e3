//! An authenticator app on the simulated phone, for codes that no service checks: those of a host
//! itself.
//!
//! A person of the demo types a secret into it, by `POST /phone/apps`, as into any app.
//! `control.rs` shows its codes on the phone page. Authy knows nothing of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::authenticator::Authenticator;

/// What an app assumes of a secret that was typed: 6 digits, SHA-1, and this many seconds.
const STEP_SECONDS: u64 = 30;

/// One account in the app.
#[derive(Serialize, Deserialize)]
pub(crate) struct App {
    name: String,
    authenticator: Authenticator,
}

impl App {
    /// Returns the account with this name and this secret in base 32, which may have blanks between
    /// its letters; `None` where it is not base 32.
    pub(crate) fn new(name: &str, secret: &str) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            authenticator: Authenticator::with_secret(secret, 6, STEP_SECONDS)?,
        })
    }

    /// Whether this account has the name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name == name
    }

    /// Returns the account as the phone page shows it: with the present code, used or not.
    pub(crate) fn phone_json(&self) -> Value {
        json!({
            "name": self.name,
            "code": self.authenticator.present_code(),
            "seconds_left": self.authenticator.seconds_left(),
        })
    }
}
