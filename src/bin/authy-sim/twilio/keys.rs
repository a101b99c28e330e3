//! The account of the simulator at Twilio, its keys, and what each may do.
//!
//! The main key may do everything, as the account's own token. The host's key is a restricted one:
//! of Verify's permissions it has those that a login needs, and no other. Twilio has no permission
//! for updating a challenge in the lists that are known, so the host's key lacks it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::answer::{Refusal, new_sid};
use super::{Call, Twilio, segments};
use crate::random;

/// What a host needs.
const OF_HOST: [&str; 4] = [
    "/twilio/verify/verification/create",
    "/twilio/verify/verification-check/create",
    "/twilio/verify/challenge/create",
    "/twilio/verify/challenge/read",
];

/// The account with its keys and its first service; written to twilio.env, so that they stay the
/// same for one folder.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) account: String,
    pub(crate) auth_token: String,
    pub(crate) main_key: String,
    pub(crate) main_secret: String,
    pub(crate) host_key: String,
    pub(crate) host_secret: String,
    pub(crate) service: String,
}

impl Account {
    /// Returns a new account.
    pub(crate) fn new() -> Self {
        Self {
            account: new_sid("AC"),
            auth_token: random::hex(),
            main_key: new_sid("SK"),
            main_secret: random::hex(),
            host_key: new_sid("SK"),
            host_secret: random::hex(),
            service: new_sid("VA"),
        }
    }

    /// The lines of twilio.env: name and value.
    pub(crate) fn lines(&self) -> [(&'static str, &str); 7] {
        [
            ("TWILIO_ACCOUNT_SID", &self.account),
            ("TWILIO_AUTH_TOKEN", &self.auth_token),
            ("TWILIO_API_KEY", &self.main_key),
            ("TWILIO_API_SECRET", &self.main_secret),
            ("TWILIO_HOST_KEY", &self.host_key),
            ("TWILIO_HOST_SECRET", &self.host_secret),
            ("TWILIO_VERIFY_SERVICE", &self.service),
        ]
    }

    /// Reads twilio.env; `None` where a line is missing.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(str::to_owned)
        };
        Some(Self {
            account: value("TWILIO_ACCOUNT_SID")?,
            auth_token: value("TWILIO_AUTH_TOKEN")?,
            main_key: value("TWILIO_API_KEY")?,
            main_secret: value("TWILIO_API_SECRET")?,
            host_key: value("TWILIO_HOST_KEY")?,
            host_secret: value("TWILIO_HOST_SECRET")?,
            service: value("TWILIO_VERIFY_SERVICE")?,
        })
    }
}

impl Twilio {
    /// Checks the header with the key, and whether the key may make the call.
    pub(super) fn check_key(&self, header: Option<&str>, call: &Call) -> Result<(), Refusal> {
        let account = &self.account;
        let is = |user: &str, password: &str| {
            let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
            header == Some(format!("Basic {pair}").as_str())
        };
        if self.settings.closed {
            return Err(Refusal::new(403, 20403, "Forbidden: account is suspended"));
        }
        let is_main = is(&account.main_key, &account.main_secret)
            || is(&account.account, &account.auth_token);
        if is_main {
            return Ok(());
        }
        if !is(&account.host_key, &account.host_secret) {
            return Err(Refusal::new(401, 20003, "Authenticate"));
        }
        let needed = permission(call);
        let has = OF_HOST.contains(&needed) || self.settings.also_allowed(needed);
        if has {
            return Ok(());
        }
        let status = self.settings.permission_status;
        let message = format!("The API key lacks the permission {needed}");
        Err(Refusal::new(status, 70051, &message))
    }
}

/// Returns the permission that a call needs.
fn permission(call: &Call) -> &'static str {
    let parts = segments(&call.path);
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("POST", [_, _, "Verifications"]) => "/twilio/verify/verification/create",
        ("GET", [_, _, "Verifications", _]) => "/twilio/verify/verification/read",
        ("POST", [_, _, "Verifications", _]) => "/twilio/verify/verification/update",
        ("POST", [_, _, "VerificationCheck"]) => "/twilio/verify/verification-check/create",
        ("POST", [_, _, "Entities", _, "Challenges"]) => "/twilio/verify/challenge/create",
        ("POST", [_, _, "Entities", _, "Challenges", _]) => "/twilio/verify/challenge/update",
        ("GET", [_, _, "Entities", _, "Challenges", ..]) => "/twilio/verify/challenge/read",
        ("POST", [_, _, "Entities", _, "Factors"]) => "/twilio/verify/factor/create",
        ("POST", [_, _, "Entities", _, "Factors", _]) => "/twilio/verify/factor/update",
        ("DELETE", [_, _, "Entities", _, "Factors", _]) => "/twilio/verify/factor/delete",
        ("GET", [_, _, "Entities", _, "Factors"]) => "/twilio/verify/factor/list",
        ("GET", [_, _, "Entities", _, "Factors", _]) => "/twilio/verify/factor/read",
        ("POST", [_, _, "Entities"]) => "/twilio/verify/entity/create",
        ("GET", [_, _, "Entities"]) => "/twilio/verify/entity/list",
        ("GET", [_, _, "Entities", _]) => "/twilio/verify/entity/read",
        ("DELETE", [_, _, "Entities", _]) => "/twilio/verify/entity/delete",
        ("GET", [_, _, "RateLimits"]) => "/twilio/verify/rate-limit/list",
        ("GET", ["Services", _]) => "/twilio/verify/service/read",
        ("GET", ["Services"]) => "/twilio/verify/service/list",
        (_, ["Services", ..]) => "/twilio/verify/service/update",
        (_, ["PhoneNumbers", ..]) => "/twilio/lookup/phone-number/read",
        _ => "/twilio/verify/attempt/read",
    }
}
