//! The rate limits of a service, which tests set: each start counts for those that it names.
//!
//! A start beyond one is answered by 429/20429. Which error Twilio gives for a name that the service
//! does not have is not documented; here it is that of a bad parameter.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, date, page};
use super::{Call, Twilio};

/// Reads the parameter `RateLimits` of a start, a JSON text. Returns it, and counts the start.
pub(super) fn count(twilio: &mut Twilio, call: &Call) -> Result<Value, Refusal> {
    let Some(text) = call.text("RateLimits") else {
        return Ok(Value::Null);
    };
    let object: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| Refusal::parameter("Invalid parameter `RateLimits`"))?;
    for (name, value) in &object {
        let key = (name.clone(), value.to_string());
        let starts = twilio.rate_counts.get(&key).copied().unwrap_or_default();
        match twilio.settings.rate_limits.get(name) {
            None => {
                let message = format!("Rate limit {name} was not found");
                return Err(Refusal::parameter(&message));
            }
            Some(max) if starts >= *max => {
                return Err(Refusal::new(429, 20429, "Too many requests"));
            }
            Some(_) => {}
        }
    }
    for (name, value) in &object {
        let key = (name.clone(), value.to_string());
        *twilio.rate_counts.entry(key).or_default() += 1;
    }
    Ok(Value::Object(object))
}

pub(super) fn list(twilio: &Twilio, call: &Call, service: &str, url: &str) -> Answer {
    let names = twilio.settings.rate_limits.keys().enumerate();
    let items = names.map(|(number, name)| {
        let sid = format!("RK{:032x}", number + 1);
        let own = format!("{url}{}/{sid}", call.path);
        json!({
            "sid": sid, "service_sid": service, "account_sid": twilio.account.account,
            "unique_name": name, "description": null, "date_created": date(twilio.now()),
            "date_updated": date(twilio.now()), "url": own,
            "links": {"buckets": format!("{own}/Buckets")},
        })
    });
    page(call, url, "rate_limits", &items.collect::<Vec<_>>())
}
