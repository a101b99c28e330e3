//! `/v2/Services/{VA}/Entities/{Identity}/Challenges`: logins by an app.
//!
//! A challenge takes five codes and lives for five minutes, or as long as `ExpirationDate` says. A
//! factor has 50 in an hour and 100 in a day; with codes of up to four digits 10 in a day.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::answer::{Answer, Refusal, created, date, found, new_sid, page};
use super::state::{Challenge, Entity, Settings, Status};
use super::{Call, Twilio};

/// How many codes a challenge takes.
const GUESSES: u32 = 5;
/// How long it lives, in seconds: by default, and at most.
const LIFETIME: u64 = 300;
const LONGEST: u64 = 3600;
/// How many a factor has in an hour and in a day, and in a day with short codes.
const HOUR: (u64, usize) = (3600, 50);
const DAY: (u64, usize) = (86_400, 100);
const SHORT: (u64, usize) = (86_400, 10);

impl Challenge {
    fn status(&self, now: u64) -> &'static str {
        match self.status {
            Status::Approved => "approved",
            Status::Canceled => "denied",
            Status::Pending if now >= self.expires => "expired",
            Status::Pending => "pending",
        }
    }

    fn json(&self, of: &Owner, now: u64) -> Value {
        let Owner {
            account,
            service,
            name,
            entity,
            url,
        } = of;
        let url = format!(
            "{url}/v2/Services/{service}/Entities/{name}/Challenges/{}",
            self.sid
        );
        json!({
            "sid": self.sid,
            "account_sid": account,
            "service_sid": service,
            "entity_sid": entity,
            "identity": name,
            "factor_sid": self.factor,
            "date_created": date(self.created),
            "date_updated": date(self.updated),
            "date_responded": self.responded.map(date),
            "expiration_date": date(self.expires),
            "status": self.status(now),
            "responded_reason": "none",
            "details": {"message": null, "date": null, "fields": []},
            "hidden_details": self.hidden,
            "metadata": null,
            "factor_type": "totp",
            "url": url,
            "links": {"notifications": format!("{url}/Notifications")},
        })
    }
}

/// Whose a challenge is.
struct Owner {
    account: String,
    service: String,
    name: String,
    entity: String,
    url: String,
}

impl Owner {
    fn of(twilio: &mut Twilio, service: &str, name: &str, url: &str) -> Result<Self, Refusal> {
        let account = twilio.account.account.clone();
        Ok(Self {
            account,
            service: service.to_owned(),
            name: name.to_owned(),
            entity: twilio.entity(service, name)?.sid.clone(),
            url: url.to_owned(),
        })
    }
}

fn check_code(code: &str) -> Result<(), Refusal> {
    let is_code = (3..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    if is_code {
        Ok(())
    } else {
        Err(Refusal::new(400, 60306, "Invalid AuthPayload"))
    }
}

/// Returns when a new challenge expires.
fn expiry(call: &Call, now: u64) -> Result<u64, Refusal> {
    let Some(text) = call.text("ExpirationDate") else {
        return Ok(now + LIFETIME);
    };
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let time = time.and_then(|time| u64::try_from(time.unix_timestamp()).ok());
    time.filter(|time| (now + 1..=now + LONGEST).contains(time))
        .ok_or_else(|| Refusal::new(400, 60300, "Invalid ExpirationDate"))
}

/// Checks a code on a challenge of the person.
fn answer_code(
    twilio: &mut Twilio,
    service: &str,
    name: &str,
    sid: &str,
    code: &str,
) -> Result<(), Refusal> {
    check_code(code)?;
    let (now, settings): (u64, Settings) = (twilio.now(), twilio.settings.clone());
    let entity = twilio.entity(service, name)?;
    let gone = || Refusal::not_found(sid);
    let place = entity.challenges.iter().position(|one| one.sid == sid);
    let challenge = &entity.challenges[place.ok_or_else(gone)?];
    match challenge.status(now) {
        "pending" => {}
        "expired" => return Err(Refusal::new(403, 60323, "Challenge expired")),
        _ => return Err(Refusal::new(403, 60322, "Challenge already answered")),
    }
    if challenge.guesses >= GUESSES {
        return Err(Refusal::new(429, 60308, "Max attempts reached"));
    }
    let factor_sid = challenge.factor.clone();
    let factor = entity.factor(&factor_sid, now).ok_or_else(gone)?;
    let is_right = factor.check(code, now, settings.refuses_used_codes);
    let challenge = &mut entity.challenges[place.ok_or_else(gone)?];
    challenge.updated = now;
    if is_right {
        challenge.status = Status::Approved;
        challenge.responded = Some(now);
        return Ok(());
    }
    challenge.guesses += 1;
    if settings.wrong_code_is_403 {
        return Err(Refusal::new(403, 60324, "Verification failed"));
    }
    Ok(())
}

/// Refuses a challenge beyond those that a factor has within an hour and a day.
fn check_budget(entity: &Entity, factor: &str, code_length: u64, now: u64) -> Result<(), Refusal> {
    let limits = if code_length <= 4 {
        [SHORT, SHORT]
    } else {
        [HOUR, DAY]
    };
    let within = |seconds: u64| {
        let all = entity.challenges.iter();
        all.filter(|one| one.factor == factor && now < one.created + seconds)
            .count()
    };
    if limits
        .iter()
        .any(|(seconds, most)| within(*seconds) >= *most)
    {
        let why = "Too many challenges for this factor";
        return Err(Refusal::new(429, 60312, why));
    }
    Ok(())
}

pub(super) fn create(
    twilio: &mut Twilio,
    call: &Call,
    service: &str,
    name: &str,
    url: &str,
) -> Answer {
    let factor_sid = call.required("FactorSid")?;
    let code = call.text("AuthPayload");
    if let Some(code) = code {
        check_code(code)?;
    }
    let now = twilio.now();
    let expires = expiry(call, now)?;
    let hidden = call.text("HiddenDetails").unwrap_or("{}");
    let hidden = serde_json::from_str(hidden)
        .map_err(|_| Refusal::new(400, 60300, "Invalid HiddenDetails"))?;
    let entity = twilio.entity(service, name)?;
    let factor = entity
        .factor(factor_sid, now)
        .ok_or_else(|| Refusal::not_found(factor_sid))?;
    if !factor.verified {
        return Err(Refusal::new(403, 60318, "Factor is not verified"));
    }
    let code_length = factor.config.code_length;
    check_budget(entity, factor_sid, code_length, now)?;
    let sid = new_sid("YC");
    entity.challenges.push(Challenge {
        sid: sid.clone(),
        factor: factor_sid.to_owned(),
        status: Status::Pending,
        guesses: 0,
        created: now,
        updated: now,
        expires,
        responded: None,
        hidden,
    });
    if let Some(code) = code {
        answer_code(twilio, service, name, &sid, code)?;
    }
    created(json_of(twilio, service, name, &sid, url)?)
}

fn json_of(
    twilio: &mut Twilio,
    service: &str,
    name: &str,
    sid: &str,
    url: &str,
) -> Result<Value, Refusal> {
    let (owner, now) = (Owner::of(twilio, service, name, url)?, twilio.now());
    let entity = twilio.entity(service, name)?;
    let challenge = entity.challenges.iter().find(|one| one.sid == sid);
    let challenge = challenge.ok_or_else(|| Refusal::not_found(sid))?;
    Ok(challenge.json(&owner, now))
}

pub(super) fn update(
    twilio: &mut Twilio,
    call: &Call,
    service: &str,
    name: &str,
    sid: &str,
    url: &str,
) -> Answer {
    if let Some(code) = call.text("AuthPayload") {
        answer_code(twilio, service, name, sid, code)?;
    }
    found(json_of(twilio, service, name, sid, url)?)
}

pub(super) fn fetch(
    twilio: &mut Twilio,
    service: &str,
    name: &str,
    sid: &str,
    url: &str,
) -> Answer {
    found(json_of(twilio, service, name, sid, url)?)
}

pub(super) fn list(
    twilio: &mut Twilio,
    call: &Call,
    service: &str,
    name: &str,
    url: &str,
) -> Answer {
    let (owner, now) = (Owner::of(twilio, service, name, url)?, twilio.now());
    let entity = twilio.entity(service, name)?;
    let (factor, status) = (call.text("FactorSid"), call.text("Status"));
    let wanted = entity.challenges.iter().filter(|one| {
        factor.is_none_or(|factor| one.factor == factor)
            && status.is_none_or(|status| one.status(now) == status)
    });
    let mut items: Vec<_> = wanted.map(|one| one.json(&owner, now)).collect();
    if call.text("Order") == Some("desc") {
        items.reverse();
    }
    page(call, url, "challenges", &items)
}
