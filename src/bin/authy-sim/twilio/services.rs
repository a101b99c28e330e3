//! `/v2/Services`: the Verify services of the account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, created, date, deleted, found, new_sid, page};
use super::saved::Part;
use super::{Call, Twilio};

/// Settings that are on or off: the parameter, the name in replies, and the default.
const FLAGS: [(&str, &str, bool); 7] = [
    ("LookupEnabled", "lookup_enabled", false),
    ("Psd2Enabled", "psd2_enabled", false),
    ("SkipSmsToLandlines", "skip_sms_to_landlines", false),
    ("DtmfInputRequired", "dtmf_input_required", true),
    (
        "DoNotShareWarningEnabled",
        "do_not_share_warning_enabled",
        false,
    ),
    ("CustomCodeEnabled", "custom_code_enabled", false),
    (
        "VerifyEventSubscriptionEnabled",
        "verify_event_subscription_enabled",
        false,
    ),
];

/// A service.
#[derive(Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) code_length: u64,
    /// By their names in replies.
    flags: BTreeMap<String, bool>,
    tts_name: Option<String>,
    pub(super) issuer: String,
    pub(super) time_step: u64,
    pub(super) totp_code_length: u64,
    pub(super) skew: u64,
    created: u64,
    updated: u64,
}

impl Service {
    /// Returns a service with Twilio's default settings.
    pub(super) fn new(name: &str, now: u64) -> Self {
        Self {
            name: name.to_owned(),
            code_length: 6,
            flags: FLAGS.map(|(_, name, on)| (name.to_owned(), on)).into(),
            tts_name: None,
            issuer: name.to_owned(),
            time_step: 30,
            totp_code_length: 6,
            skew: 1,
            created: now,
            updated: now,
        }
    }

    /// Whether the setting with this name in replies is on.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.get(flag) == Some(&true)
    }

    /// Changes what the call names.
    fn change(&mut self, call: &Call, now: u64) -> Result<(), Refusal> {
        if let Some(name) = call.text("FriendlyName") {
            self.name = checked_name(name)?;
        }
        self.code_length = call.number("CodeLength", 4..=10, self.code_length)?;
        for (parameter, name, _) in FLAGS {
            let on = call.flag(parameter, self.has(name))?;
            self.flags.insert(name.to_owned(), on);
        }
        if let Some(voice) = call.text("TtsName") {
            self.tts_name = Some(voice.to_owned());
        }
        if let Some(issuer) = call.text("Totp.Issuer") {
            self.issuer = issuer.to_owned();
        }
        self.time_step = call.number("Totp.TimeStep", 20..=60, self.time_step)?;
        self.totp_code_length = call.number("Totp.CodeLength", 3..=8, self.totp_code_length)?;
        self.skew = call.number("Totp.Skew", 0..=2, self.skew)?;
        self.updated = now;
        Ok(())
    }

    fn json(&self, account: &str, sid: &str, url: &str) -> Value {
        let url = format!("{url}/v2/Services/{sid}");
        let link = |name: &str| format!("{url}/{name}");
        let mut body = json!({
            "sid": sid,
            "account_sid": account,
            "friendly_name": self.name,
            "code_length": self.code_length,
            "tts_name": self.tts_name,
            "push": {"include_date": false, "apn_credential_sid": null, "fcm_credential_sid": null},
            "totp": {
                "issuer": self.issuer,
                "time_step": self.time_step,
                "code_length": self.totp_code_length,
                "skew": self.skew,
            },
            "default_template_sid": null,
            "whatsapp": {"msg_service_sid": null, "from": null},
            "date_created": date(self.created),
            "date_updated": date(self.updated),
            "url": url,
            "links": {
                "verification_checks": link("VerificationCheck"),
                "verifications": link("Verifications"),
                "rate_limits": link("RateLimits"),
                "messaging_configurations": link("MessagingConfigurations"),
                "entities": link("Entities"),
                "webhooks": link("Webhooks"),
                "access_tokens": link("AccessTokens"),
            },
        });
        for (name, on) in &self.flags {
            body[name] = json!(on);
        }
        body
    }
}

/// Returns a name that Twilio accepts: up to 30 letters, digits, blanks, dashes and underscores, of
/// which four are digits at most.
fn checked_name(name: &str) -> Result<String, Refusal> {
    let is_plain = |c: char| c.is_alphanumeric() || " -_".contains(c);
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let is_name =
        (1..=30).contains(&name.chars().count()) && name.chars().all(is_plain) && digits <= 4;
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(Refusal::parameter("Invalid parameter `FriendlyName`"))
    }
}

pub(super) fn create(twilio: &mut Twilio, call: &Call, url: &str) -> Answer {
    let now = twilio.now();
    let name = checked_name(call.required("FriendlyName")?)?;
    let mut service = Service::new(&name, now);
    service.change(call, now)?;
    let sid = new_sid("VA");
    let body = service.json(&twilio.account.account, &sid, url);
    twilio.changed.insert(Part::Service(sid.clone()));
    twilio.services.insert(sid, service);
    created(body)
}

pub(super) fn list(twilio: &Twilio, call: &Call, url: &str) -> Answer {
    let account = &twilio.account.account;
    let all = twilio.services.iter();
    let items: Vec<_> = all
        .map(|(sid, service)| service.json(account, sid, url))
        .collect();
    page(call, url, "services", &items)
}

pub(super) fn fetch(twilio: &Twilio, sid: &str, url: &str) -> Answer {
    let service = twilio.service(sid)?;
    found(service.json(&twilio.account.account, sid, url))
}

pub(super) fn update(twilio: &mut Twilio, call: &Call, sid: &str, url: &str) -> Answer {
    let now = twilio.now();
    twilio.service(sid)?;
    twilio.changed.insert(Part::Service(sid.to_owned()));
    if let Some(service) = twilio.services.get_mut(sid) {
        service.change(call, now)?;
    }
    fetch(twilio, sid, url)
}

pub(super) fn delete(twilio: &mut Twilio, sid: &str) -> Answer {
    twilio.service(sid)?;
    twilio.changed.insert(Part::Service(sid.to_owned()));
    twilio.services.remove(sid);
    deleted()
}
