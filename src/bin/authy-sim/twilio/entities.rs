//! `/v2/Services/{VA}/Entities`: people.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, created, date, deleted, found, new_sid, page};
use super::saved::Part;
use super::state::Entity;
use super::{Call, Twilio};

impl Entity {
    fn json(&self, account: &str, service: &str, name: &str, url: &str) -> Value {
        let url = format!("{url}/v2/Services/{service}/Entities/{name}");
        json!({
            "sid": self.sid,
            "identity": name,
            "account_sid": account,
            "service_sid": service,
            "date_created": date(self.created),
            "date_updated": date(self.created),
            "url": url,
            "links": {
                "factors": format!("{url}/Factors"),
                "new_factors": format!("{url}/Factors"),
                "challenges": format!("{url}/Challenges"),
            },
        })
    }
}

impl Twilio {
    /// Returns a person, and creates one first if the service does not know the identity.
    pub(super) fn entity_or_new(
        &mut self,
        service: &str,
        name: &str,
    ) -> Result<&mut Entity, Refusal> {
        check_identity(name)?;
        let created = self.now();
        let key = (service.to_owned(), name.to_owned());
        self.changed
            .insert(Part::Entity(key.0.clone(), key.1.clone()));
        Ok(self.entities.entry(key).or_insert_with(|| Entity {
            sid: new_sid("YE"),
            created,
            factors: Vec::new(),
            challenges: Vec::new(),
            creations: Vec::new(),
        }))
    }
}

fn check_identity(name: &str) -> Result<(), Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (8..=64).contains(&name.len()) && name.bytes().all(is_plain) {
        Ok(())
    } else {
        Err(Refusal::new(400, 60300, "Invalid Identity"))
    }
}

pub(super) fn create(twilio: &mut Twilio, call: &Call, service: &str, url: &str) -> Answer {
    let name = call.required("Identity")?;
    if twilio.entity(service, name).is_ok() {
        return Err(Refusal::new(409, 60301, "Entity already exists"));
    }
    twilio.entity_or_new(service, name)?;
    let account = twilio.account.account.clone();
    let entity = twilio.entity(service, name)?;
    created(entity.json(&account, service, name, url))
}

pub(super) fn list(twilio: &Twilio, call: &Call, service: &str, url: &str) -> Answer {
    let account = &twilio.account.account;
    let ours = twilio.entities.iter().filter(|((of, _), _)| of == service);
    let items: Vec<_> = ours
        .map(|((_, name), entity)| entity.json(account, service, name, url))
        .collect();
    page(call, url, "entities", &items)
}

pub(super) fn fetch(twilio: &mut Twilio, service: &str, name: &str, url: &str) -> Answer {
    let account = twilio.account.account.clone();
    let entity = twilio.entity(service, name)?;
    found(entity.json(&account, service, name, url))
}

pub(super) fn delete(twilio: &mut Twilio, service: &str, name: &str) -> Answer {
    twilio.entity(service, name)?;
    let key = (service.to_owned(), name.to_owned());
    twilio.entities.remove(&key);
    deleted()
}
