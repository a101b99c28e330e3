//! `/v2/Attempts`: what was sent, and how much of it was typed.

use serde_json::{Value, json};

use super::answer::{Answer, date, found, page};
use super::state::{Status, Verification};
use super::{Call, Twilio};

/// A code that was sent.
struct Attempt<'a> {
    sid: &'a str,
    channel: &'a str,
    created: u64,
    of: &'a Verification,
}

impl Attempt<'_> {
    fn is_converted(&self) -> bool {
        self.of.status == Status::Approved
    }

    fn json(&self, account: &str, url: &str) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": account,
            "service_sid": self.of.service,
            "verification_sid": self.of.sid,
            "date_created": date(self.created),
            "date_updated": date(self.created),
            "conversion_status": if self.is_converted() { "converted" } else { "unconverted" },
            "channel": self.channel,
            "price": {"value": "0.05", "currency": "usd"},
            "channel_data": {"to": self.of.to},
            "url": format!("{url}/v2/Attempts/{}", self.sid),
        })
    }
}

/// Returns those of the service and number that the call names.
fn wanted<'a>(twilio: &'a Twilio, call: &Call) -> Vec<Attempt<'a>> {
    let is = |name: &str, value: &str| call.text(name).is_none_or(|text| text == value);
    let since = call.text("DateCreatedAfter");
    let sent = twilio.verifications.iter().flat_map(|of| {
        of.sends.iter().map(move |(sid, channel, created)| Attempt {
            sid,
            channel,
            created: *created,
            of,
        })
    });
    let mut wanted: Vec<_> = sent
        .filter(|one| {
            is("VerifyServiceSid", &one.of.service)
                && is("VerificationSid", &one.of.sid)
                && is("Channel", one.channel)
                && is("ChannelData.To", &one.of.to)
                && since.is_none_or(|since| date(one.created).as_str() > since)
        })
        .collect();
    wanted.sort_by_key(|one| one.created);
    wanted
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
    let converted = all.iter().filter(|one| one.is_converted()).count();
    let percent = (converted * 100).checked_div(all.len()).unwrap_or(0);
    found(json!({
        "total_attempts": all.len(),
        "total_converted": converted,
        "total_unconverted": all.len() - converted,
        "conversion_rate_percentage": format!("{percent}.00"),
        "url": format!("{url}/v2/Attempts/Summary"),
    }))
}
