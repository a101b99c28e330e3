//! `/v2/Attempts`: what was sent, and how much of it was typed.

use serde_json::{Value, json};

use super::answer::{Answer, date, found, page};
use super::state::Attempt;
use super::{Call, Twilio};

impl Attempt {
    fn json(&self, account: &str, url: &str) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": account,
            "service_sid": self.service,
            "verification_sid": self.verification,
            "date_created": date(self.created),
            "date_updated": date(self.created),
            "conversion_status": if self.converted { "converted" } else { "unconverted" },
            "channel": self.channel,
            "price": {"value": "0.05", "currency": "usd"},
            "channel_data": {"to": self.to},
            "url": format!("{url}/v2/Attempts/{}", self.sid),
        })
    }
}

/// Returns those of the service and number that the call names.
fn wanted<'a>(twilio: &'a Twilio, call: &Call) -> Vec<&'a Attempt> {
    let is = |name: &str, value: &str| call.text(name).is_none_or(|text| text == value);
    let since = call.text("DateCreatedAfter");
    let all = twilio.attempts.iter().filter(|one| {
        is("VerifyServiceSid", &one.service)
            && is("VerificationSid", &one.verification)
            && is("Channel", &one.channel)
            && is("ChannelData.To", &one.to)
            && since.is_none_or(|since| date(one.created).as_str() > since)
    });
    all.collect()
}

pub(super) fn list(twilio: &Twilio, call: &Call, url: &str) -> Answer {
    let account = &twilio.account.account;
    let items: Vec<_> = wanted(twilio, call)
        .into_iter()
        .map(|one| one.json(account, url))
        .collect();
    page(call, url, "attempts", &items)
}

pub(super) fn summary(twilio: &Twilio, call: &Call, url: &str) -> Answer {
    let all = wanted(twilio, call);
    let converted = all.iter().filter(|one| one.converted).count();
    let percent = (converted * 100).checked_div(all.len()).unwrap_or(0);
    found(json!({
        "total_attempts": all.len(),
        "total_converted": converted,
        "total_unconverted": all.len() - converted,
        "conversion_rate_percentage": format!("{percent}.00"),
        "url": format!("{url}/v2/Attempts/Summary"),
    }))
}
