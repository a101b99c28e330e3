//! `/v2/Services/{VA}/Verifications` and `/VerificationCheck`: codes by SMS and call.
//!
//! A second start to a number within the validity of its code sends the same code under the same
//! SID. Five sends and five checks are allowed, and 60 reads of the status in a minute. What was
//! approved or has expired is not found; what was cancelled can still be fetched.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, created, date, found, new_sid, with_status};
use super::saved::Part;
use super::state::{Status, Verification};
use super::{Call, Twilio, rate_limits};
use crate::random;

/// How often a code is sent, and how often it is checked.
const SENDS: usize = 5;
const CHECKS: u32 = 5;
/// Seconds, and how often the status of a verification can be read within them.
const READS: [(u64, usize); 3] = [(60, 60), (3600, 180), (86_400, 250)];
/// Numbers with this ending are landlines, which take no SMS.
const LANDLINE: &str = "000";

/// Whether the text is a number in the form of E.164.
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether the number is a landline.
pub(super) fn is_landline(number: &str) -> bool {
    number.ends_with(LANDLINE)
}

impl Verification {
    /// What has become of it, as the phone shows it.
    pub(super) fn shown_status(&self, now: u64, lifetime: u64) -> &'static str {
        match self.status {
            Status::Pending if !self.is_open(now, lifetime) => "expired",
            Status::Pending => "pending",
            Status::Approved => "approved",
            Status::Canceled => "canceled",
        }
    }

    /// Whether the code can still be checked, sent again or cancelled.
    fn is_open(&self, now: u64, lifetime: u64) -> bool {
        self.status == Status::Pending && now < self.created + lifetime
    }

    fn json(&self, account: &str, url: &str) -> Value {
        let attempts = self.sends.iter().map(|(sid, channel, time)| {
            json!({"time": date(*time), "channel": channel.to_uppercase(), "attempt_sid": sid})
        });
        json!({
            "sid": self.sid,
            "service_sid": self.service,
            "account_sid": account,
            "to": self.to,
            "channel": self.channel,
            "status": self.status,
            "valid": self.status == Status::Approved,
            "lookup": {},
            "amount": null,
            "payee": null,
            "send_code_attempts": attempts.collect::<Vec<_>>(),
            "sna": null,
            "date_created": date(self.created),
            "date_updated": date(self.updated),
            "url": format!("{url}/v2/Services/{}/Verifications/{}", self.service, self.sid),
        })
    }

    fn check_json(&self, account: &str) -> Value {
        json!({
            "sid": self.sid,
            "service_sid": self.service,
            "account_sid": account,
            "to": self.to,
            "channel": self.channel,
            "status": self.status,
            "valid": self.status == Status::Approved,
            "amount": null,
            "payee": null,
            "sna_attempts_error_codes": [],
            "date_created": date(self.created),
            "date_updated": date(self.updated),
        })
    }
}

impl Twilio {
    /// Returns the place of the newest open verification of a service that `matches`.
    fn open(&self, service: &str, matches: impl Fn(&Verification) -> bool) -> Option<usize> {
        let (now, lifetime) = (self.now(), self.settings.verification_seconds);
        self.verifications.iter().rposition(|found| {
            found.service == service && found.is_open(now, lifetime) && matches(found)
        })
    }
}

/// Returns the error of a number that is not in the form of E.164.
fn bad_number(to: &str) -> Refusal {
    Refusal::parameter(&format!("Invalid parameter `To`: {to}"))
}

/// Checks the parameters of a start. Returns number and channel.
fn checked_start<'a>(
    twilio: &Twilio,
    call: &'a Call,
    service: &str,
) -> Result<(&'a str, &'a str), Refusal> {
    let (to, channel) = (call.required("To")?, call.required("Channel")?);
    if !is_e164(to) {
        return Err(bad_number(to));
    }
    match channel {
        "sms" | "call" => {}
        "email" => {
            return Err(Refusal::new(
                400,
                60217,
                "No mailer is set up for this service",
            ));
        }
        "whatsapp" => return Err(Refusal::new(400, 68008, "No WhatsApp sender")),
        _ => return Err(Refusal::parameter("Invalid parameter `Channel`")),
    }
    let settings = twilio.service(service)?;
    if channel == "sms" && is_landline(to) && settings.has("skip_sms_to_landlines") {
        return Err(Refusal::new(
            403,
            60205,
            "SMS is not supported by landline phone number",
        ));
    }
    if settings.has("psd2_enabled") && call.text("Amount").is_none() {
        return Err(Refusal::new(400, 60206, "Amount and payee are required"));
    }
    if call.text("CustomFriendlyName").is_some() {
        return Err(Refusal::new(
            403,
            60204,
            "Custom friendly name is not allowed",
        ));
    }
    if call.text("CustomCode").is_some() && !settings.has("custom_code_enabled") {
        return Err(Refusal::new(403, 60204, "Custom code is not allowed"));
    }
    Ok((to, channel))
}

pub(super) fn start(twilio: &mut Twilio, call: &Call, service: &str, url: &str) -> Answer {
    let (to, channel) = checked_start(twilio, call, service)?;
    let limits = rate_limits::count(twilio, call)?;
    let now = twilio.now();
    let open = twilio.open(service, |found| found.to == to);
    let index = match open {
        Some(index) => index,
        None => {
            let length = usize::try_from(twilio.service(service)?.code_length).unwrap_or(6);
            let code = match call.text("CustomCode") {
                Some(code) => code.to_owned(),
                None => random::digits(length),
            };
            twilio.verifications.push(Verification {
                sid: new_sid("VE"),
                service: service.to_owned(),
                to: to.to_owned(),
                channel: channel.to_owned(),
                locale: None,
                rate_limits: Value::Null,
                code,
                created: now,
                updated: now,
                checks: 0,
                status: Status::Pending,
                sends: Vec::new(),
                reads: Vec::new(),
            });
            twilio.verifications.len() - 1
        }
    };
    twilio.changed.insert(Part::Verification(index));
    let verification = &mut twilio.verifications[index];
    if verification.sends.len() >= SENDS {
        return Err(Refusal::new(429, 60203, "Max send attempts reached"));
    }
    verification.channel = channel.to_owned();
    verification.locale = call.text("Locale").map(str::to_owned);
    verification.rate_limits = limits;
    verification.updated = now;
    let sent = (new_sid("VL"), channel.to_owned(), now);
    verification.sends.push(sent);
    let body = verification.json(&twilio.account.account, url);
    created(body)
}

pub(super) fn check(twilio: &mut Twilio, call: &Call, service: &str) -> Answer {
    let code = call.required("Code")?;
    let is_code = (4..=10).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    if !is_code {
        return Err(Refusal::parameter("Invalid parameter `Code`"));
    }
    let gone = || Refusal::not_found(&call.path);
    let open = match (call.text("VerificationSid"), call.text("To")) {
        (Some(sid), _) => twilio.open(service, |found| found.sid == sid),
        (None, Some(to)) if !is_e164(to) => return Err(bad_number(to)),
        (None, Some(to)) => twilio.open(service, |found| found.to == to),
        (None, None) => {
            let message = "Either To or VerificationSid is required";
            return Err(Refusal::new(400, 60221, message));
        }
    };
    let now = twilio.now();
    let (as_404, status) = (
        twilio.settings.sixth_check_is_404,
        twilio.settings.check_status,
    );
    let index = open.ok_or_else(gone)?;
    twilio.changed.insert(Part::Verification(index));
    let verification = &mut twilio.verifications[index];
    if verification.checks >= CHECKS {
        return Err(if as_404 {
            gone()
        } else {
            Refusal::new(429, 60202, "Max check attempts reached")
        });
    }
    verification.checks += 1;
    verification.updated = now;
    if verification.code == code {
        verification.status = Status::Approved;
    }
    with_status(status, verification.check_json(&twilio.account.account))
}

pub(super) fn fetch(twilio: &mut Twilio, service: &str, sid: &str, url: &str) -> Answer {
    let (now, lifetime) = (twilio.now(), twilio.settings.verification_seconds);
    let known = twilio.verifications.iter().position(|found| {
        let is_shown = found.is_open(now, lifetime) || found.status == Status::Canceled;
        found.service == service && found.sid == sid && is_shown
    });
    let gone = || Refusal::not_found(&format!("/Services/{service}/Verifications/{sid}"));
    let index = known.ok_or_else(gone)?;
    let verification = &mut twilio.verifications[index];
    let reads = &mut verification.reads;
    let within = |seconds: u64| reads.iter().filter(|time| now < *time + seconds).count();
    if READS
        .iter()
        .any(|(seconds, most)| within(*seconds) >= *most)
    {
        return Err(Refusal::new(429, 20429, "Too many requests"));
    }
    reads.push(now);
    twilio.changed.insert(Part::Verification(index));
    found(twilio.verifications[index].json(&twilio.account.account, url))
}

pub(super) fn update(
    twilio: &mut Twilio,
    call: &Call,
    service: &str,
    sid: &str,
    url: &str,
) -> Answer {
    let status = match call.required("Status")? {
        "canceled" => Status::Canceled,
        "approved" => Status::Approved,
        _ => return Err(Refusal::parameter("Invalid parameter `Status`")),
    };
    let open = twilio.open(service, |found| found.sid == sid);
    let index = open.ok_or_else(|| Refusal::not_found(&call.path))?;
    let now = twilio.now();
    twilio.changed.insert(Part::Verification(index));
    let verification = &mut twilio.verifications[index];
    verification.status = status;
    verification.updated = now;
    found(verification.json(&twilio.account.account, url))
}
