//! `/v2/Services/{VA}/Entities/{Identity}/Factors`: apps. The secret is in the answer to their
//! creation alone. Push factors come from an application of one's own, and are refused.

use serde_json::{Value, json};
use totp_rs::Secret;

use super::answer::{Answer, Refusal, created, date, deleted, found, new_sid, page};
use super::state::{Config, Entity, Factor};
use super::{Call, Twilio};
use crate::random;

/// How many wrong codes an app may be proven with, and how long it can be proven, in seconds.
const GUESSES: u32 = 5;
const UNVERIFIED_SECONDS: u64 = 3600;
/// How many apps a person may have, and how many may be created in a day.
const MOST: usize = 100;
const DAY: u64 = 86_400;

impl Factor {
    /// Whether it is proven, or still can be.
    pub(super) fn is_known(&self, now: u64) -> bool {
        self.verified || now < self.created + UNVERIFIED_SECONDS
    }

    fn json(&self, account: &str, service: &str, name: &str, entity: &str, url: &str) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": account,
            "service_sid": service,
            "entity_sid": entity,
            "identity": name,
            "date_created": date(self.created),
            "date_updated": date(self.updated),
            "friendly_name": self.name,
            "status": if self.verified { "verified" } else { "unverified" },
            "factor_type": "totp",
            "config": {
                "alg": self.config.alg,
                "skew": self.config.skew,
                "code_length": self.config.code_length,
                "time_step": self.config.time_step,
            },
            "metadata": null,
            "url": format!("{url}/v2/Services/{service}/Entities/{name}/Factors/{}", self.sid),
        })
    }

    /// What a QR code shows to the app.
    fn uri(&self, issuer: &str) -> String {
        let encoded = |text: &str| {
            let pair = serde_urlencoded::to_string([("x", text)]).unwrap_or_default();
            pair.trim_start_matches("x=").replace('+', "%20")
        };
        format!(
            "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}&algorithm={}&digits={}&period={}",
            encoded(&self.name),
            self.secret,
            self.config.alg.to_uppercase(),
            self.config.code_length,
            self.config.time_step,
            issuer = encoded(issuer),
        )
    }
}

impl Entity {
    /// Returns a factor that is proven, or still can be.
    pub(super) fn factor(&mut self, sid: &str, now: u64) -> Option<&mut Factor> {
        let mut all = self.factors.iter_mut();
        all.find(|factor| factor.sid == sid && factor.is_known(now))
    }
}

impl Twilio {
    /// Adds an app to a person.
    pub(super) fn add_factor(
        &mut self,
        service: &str,
        name: &str,
        friendly_name: &str,
        secret: String,
        config: Config,
    ) -> Result<&mut Factor, Refusal> {
        let now = self.now();
        let entity = self.entity_or_new(service, name)?;
        if entity.factors.iter().any(|factor| factor.secret == secret) {
            return Err(Refusal::new(409, 60317, "Factor binding was used before"));
        }
        if entity.factors.len() >= MOST {
            return Err(Refusal::new(400, 60315, "Too many factors"));
        }
        entity.creations.retain(|time| now < time + DAY);
        if entity.creations.len() >= MOST {
            return Err(Refusal::new(429, 60326, "Too many factors were created"));
        }
        entity.creations.push(now);
        entity.factors.push(Factor {
            sid: new_sid("YF"),
            name: friendly_name.to_owned(),
            secret,
            config,
            verified: false,
            wrong_codes: 0,
            created: now,
            updated: now,
            used_steps: Vec::new(),
        });
        let last = entity.factors.last_mut();
        last.ok_or_else(|| Refusal::not_found(name))
    }

    /// Returns the settings of an app, by the call and else by the service.
    fn config(&self, call: &Call, service: &str, old: Option<&Config>) -> Result<Config, Refusal> {
        let defaults = self.service(service)?;
        let or = |old: Option<u64>, default| old.unwrap_or(default);
        let alg = call.text("Config.Alg").or(old.map(|old| old.alg.as_str()));
        let alg = alg.unwrap_or("sha1").to_owned();
        if !["sha1", "sha256", "sha512"].contains(&alg.as_str()) {
            return Err(Refusal::new(400, 60300, "Invalid Config.Alg"));
        }
        let step = or(old.map(|old| old.time_step), defaults.time_step);
        let length = or(old.map(|old| old.code_length), defaults.totp_code_length);
        let skew = or(old.map(|old| old.skew), defaults.skew);
        Ok(Config {
            alg,
            time_step: call.number("Config.TimeStep", 20..=60, step)?,
            code_length: call.number("Config.CodeLength", 3..=8, length)?,
            skew: call.number("Config.Skew", 0..=2, skew)?,
        })
    }
}

pub(super) fn create(
    twilio: &mut Twilio,
    call: &Call,
    service: &str,
    name: &str,
    url: &str,
) -> Answer {
    match call.required("FactorType")? {
        "totp" => {}
        "push" => {
            return Err(Refusal::new(
                403,
                60313,
                "Not allowed to create this factor",
            ));
        }
        _ => return Err(Refusal::new(400, 60300, "Invalid FactorType")),
    }
    let friendly_name = call.required("FriendlyName")?;
    if friendly_name.chars().count() > 64 {
        return Err(Refusal::new(400, 60300, "Invalid FriendlyName"));
    }
    let secret = match call.text("Binding.Secret") {
        Some(secret) if Secret::try_from_base32(secret).is_ok() => secret.to_owned(),
        Some(_) => return Err(Refusal::new(400, 60300, "Invalid Binding.Secret")),
        None => Secret::from(random::bytes::<20>().to_vec()).to_base32(),
    };
    let config = twilio.config(call, service, None)?;
    let (account, issuer) = (
        twilio.account.account.clone(),
        twilio.service(service)?.issuer.clone(),
    );
    let sid = twilio
        .add_factor(service, name, friendly_name, secret, config)?
        .sid
        .clone();
    let now = twilio.now();
    let entity = twilio.entity(service, name)?;
    let entity_sid = entity.sid.clone();
    let factor = entity
        .factor(&sid, now)
        .ok_or_else(|| Refusal::not_found(name))?;
    let mut body = factor.json(&account, service, name, &entity_sid, url);
    body["binding"] = json!({"secret": factor.secret, "uri": factor.uri(&issuer)});
    body["options"] = Value::Null;
    created(body)
}

pub(super) fn list(
    twilio: &mut Twilio,
    call: &Call,
    service: &str,
    name: &str,
    url: &str,
) -> Answer {
    let (account, now) = (twilio.account.account.clone(), twilio.now());
    let entity = twilio.entity(service, name)?;
    let known = entity.factors.iter().filter(|factor| factor.is_known(now));
    let items: Vec<_> = known
        .map(|factor| factor.json(&account, service, name, &entity.sid, url))
        .collect();
    page(call, url, "factors", &items)
}

pub(super) fn fetch(
    twilio: &mut Twilio,
    service: &str,
    name: &str,
    sid: &str,
    url: &str,
) -> Answer {
    let (account, now) = (twilio.account.account.clone(), twilio.now());
    let entity = twilio.entity(service, name)?;
    let entity_sid = entity.sid.clone();
    let factor = entity
        .factor(sid, now)
        .ok_or_else(|| Refusal::not_found(sid))?;
    found(factor.json(&account, service, name, &entity_sid, url))
}

pub(super) fn update(
    twilio: &mut Twilio,
    call: &Call,
    service: &str,
    name: &str,
    sid: &str,
    url: &str,
) -> Answer {
    let now = twilio.now();
    let settings = twilio.settings.clone();
    let entity = twilio.entity(service, name)?;
    let gone = || Refusal::not_found(&call.path);
    let old = entity.factor(sid, now).ok_or_else(gone)?.config.clone();
    let config = twilio.config(call, service, Some(&old))?;
    let factor = twilio.entity(service, name)?;
    let factor = factor.factor(sid, now).ok_or_else(gone)?;
    factor.config = config;
    factor.updated = now;
    if let Some(name) = call.text("FriendlyName") {
        factor.name = name.to_owned();
    }
    if let Some(code) = call.text("AuthPayload") {
        if factor.wrong_codes >= GUESSES {
            return Err(Refusal::new(429, 60310, "Max attempts reached"));
        }
        let is_right = factor.check(code, now, settings.refuses_used_codes);
        if is_right {
            factor.verified = true;
        } else {
            factor.wrong_codes += 1;
            if settings.wrong_code_is_403 {
                return Err(Refusal::new(403, 60311, "Verification failed"));
            }
        }
    }
    fetch(twilio, service, name, sid, url)
}

pub(super) fn delete(twilio: &mut Twilio, service: &str, name: &str, sid: &str) -> Answer {
    let now = twilio.now();
    let entity = twilio.entity(service, name)?;
    entity
        .factor(sid, now)
        .ok_or_else(|| Refusal::not_found(sid))?;
    entity.factors.retain(|factor| factor.sid != sid);
    deleted()
}
