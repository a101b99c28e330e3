//! What of Twilio outlasts the simulator: services, verifications, people with their apps and
//! challenges, and settings. Each is a part of state.jsonl; the account is in twilio.env.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::de::Error as _;

use super::keys::Account;
use super::services::Service;
use super::state::{Entity, Settings, Twilio, Verification};
use crate::saved::{StateFile, value};

/// A part that a request may have changed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Service(String),
    /// By its place in the list.
    Verification(usize),
    Entity(String, String),
    Settings,
}

/// What an earlier simulator of the same folder has saved.
#[derive(Default)]
pub(crate) struct Known {
    /// `None`: it was deleted.
    services: BTreeMap<String, Option<Service>>,
    verifications: Vec<Verification>,
    entities: BTreeMap<(String, String), Option<Entity>>,
    settings: Settings,
}

impl Known {
    /// Adds a part, whose line [`Twilio::save`] wrote under this name.
    pub(crate) fn read(&mut self, part: &str, line: &str) -> serde_json::Result<()> {
        match part.split(' ').collect::<Vec<_>>().as_slice() {
            ["service", sid] => {
                self.services.insert((*sid).to_owned(), value(line)?);
            }
            ["verification", number] => {
                let place: usize = number.parse().map_err(serde_json::Error::custom)?;
                let verification = value(line)?;
                match self.verifications.get_mut(place) {
                    Some(earlier) => *earlier = verification,
                    None => self.verifications.push(verification),
                }
            }
            ["entity", service, name] => {
                let key = ((*service).to_owned(), (*name).to_owned());
                self.entities.insert(key, value(line)?);
            }
            ["settings"] => self.settings = value(line)?,
            // A later version may save more.
            _ => {}
        }
        Ok(())
    }
}

impl Twilio {
    /// Continues with what is known of the account. Its own service is there unless it was deleted.
    pub(crate) fn new(account: Account, mut known: Known) -> Self {
        let own = account.service.clone();
        let example = || Some(Service::new("Example", crate::state::now()));
        known.services.entry(own.clone()).or_insert_with(example);
        let services = known.services.into_iter();
        let entities = known.entities.into_iter();
        Self {
            account,
            services: services
                .filter_map(|(sid, one)| Some((sid, one?)))
                .collect(),
            verifications: known.verifications,
            entities: entities
                .filter_map(|(key, one)| Some((key, one?)))
                .collect(),
            rate_counts: BTreeMap::new(),
            settings: known.settings,
            changed: [Part::Service(own)].into(),
        }
    }

    /// Adds to the file what may have changed since the last call; what is gone is saved as null.
    pub(crate) fn save(&mut self, file: &mut StateFile) -> Result<()> {
        for part in std::mem::take(&mut self.changed) {
            match part {
                Part::Service(sid) => {
                    let name = format!("twilio service {sid}");
                    file.add(&name, &self.services.get(&sid))?;
                }
                Part::Verification(place) => {
                    let name = format!("twilio verification {place:08}");
                    file.add(&name, &self.verifications.get(place))?;
                }
                Part::Entity(service, identity) => {
                    let name = format!("twilio entity {service} {identity}");
                    file.add(&name, &self.entities.get(&(service, identity)))?;
                }
                Part::Settings => file.add("twilio settings", &self.settings)?,
            }
        }
        Ok(())
    }
}
