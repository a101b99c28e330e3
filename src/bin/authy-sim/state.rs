//! The state of the simulator: people, approval requests, phone verifications, settings, armed
//! faults and the log of requests.
//!
//! Every handler shares one [`Sim`]. Each part has one mutex, because in tests a correct answer
//! matters more than a fast one. `saved.rs` writes the state to the folder; faults and the log of
//! requests end with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::approvals::Approvals;
use crate::apps::App;
use crate::faults::ArmedFaults;
use crate::person::Person;
use crate::sandbox;
use crate::saved::{Saved, StateFile};
use crate::twilio::{Account, Twilio};
use crate::verifications::Verifications;

/// The first authy id that is assigned.
const FIRST_ID: u64 = 1635;

/// The state of the whole simulator.
pub(crate) struct Sim {
    /// The API key.
    pub(crate) key: String,
    url: String,
    /// Whether 0000000 is the only valid token, for every person.
    pub(crate) sandbox: bool,
    people: Mutex<People>,
    approvals: Mutex<Approvals>,
    apps: Mutex<Vec<App>>,
    verifications: Mutex<Verifications>,
    twilio: Mutex<Twilio>,
    settings: Mutex<Settings>,
    faults: Mutex<ArmedFaults>,
    requests: Mutex<Vec<Value>>,
    file: Mutex<StateFile>,
    /// Accepted connections of the TLS address.
    pub(crate) connections: AtomicU64,
    /// Completed TLS handshakes.
    pub(crate) handshakes: AtomicU64,
}

impl Sim {
    /// Continues with a saved state, which `file` goes on to keep.
    pub(crate) fn new(
        saved: Saved,
        account: Account,
        file: StateFile,
        url: String,
        sandbox: bool,
    ) -> Self {
        Self {
            key: saved.key,
            url,
            sandbox,
            people: Mutex::new(saved.people),
            approvals: Mutex::new(saved.approvals),
            apps: Mutex::new(saved.apps),
            verifications: Mutex::new(saved.verifications),
            twilio: Mutex::new(Twilio::new(account, saved.twilio)),
            settings: Mutex::new(saved.settings),
            faults: Mutex::default(),
            requests: Mutex::default(),
            file: Mutex::new(file),
            connections: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
        }
    }

    /// Returns the URL of the API, such as `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether the API accepts this key.
    pub(crate) fn accepts_key(&self, key: &str) -> bool {
        key == self.key || self.sandbox && sandbox::KEYS.contains(&key)
    }

    /// Writes what has changed to the folder.
    pub(crate) fn save(&self) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.add("key", &self.key)?;
        for person in self.people().take_changed() {
            file.add(&format!("person {}", person.id), person)?;
        }
        for approval in self.approvals().take_changed() {
            file.add(&format!("approval {}", approval.uuid), approval)?;
        }
        for (phone, verification) in self.verifications().take_changed() {
            file.add(&format!("verification {phone}"), verification)?;
        }
        self.twilio().save(&mut file)?;
        file.add("apps", &*self.apps())?;
        file.add("settings", &*self.settings())?;
        file.flush()
    }

    pub(crate) fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn approvals(&self) -> MutexGuard<'_, Approvals> {
        self.approvals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn apps(&self) -> MutexGuard<'_, Vec<App>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn verifications(&self) -> MutexGuard<'_, Verifications> {
        self.verifications
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn twilio(&self) -> MutexGuard<'_, Twilio> {
        self.twilio.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, ArmedFaults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request of the API to the log.
    pub(crate) fn log_request(&self, request: Value) {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
    }

    /// Returns the log of requests, and the numbers of connections and TLS handshakes.
    pub(crate) fn requests(&self) -> Value {
        json!({
            "requests": *self.requests.lock().unwrap_or_else(PoisonError::into_inner),
            "connections": self.connections.load(Ordering::SeqCst),
            "handshakes": self.handshakes.load(Ordering::SeqCst),
        })
    }

    /// Clears the log of requests and both counters.
    pub(crate) fn clear_requests(&self) {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.connections.store(0, Ordering::SeqCst);
        self.handshakes.store(0, Ordering::SeqCst);
    }
}

/// The settings of the application: its permissions, delays and callback.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) sms_enabled: bool,
    pub(crate) calls_enabled: bool,
    pub(crate) onetouch_enabled: bool,
    pub(crate) suspended: bool,
    /// Whether the API may return whole phone numbers.
    pub(crate) export_enabled: bool,
    /// Delay from the request of a deletion to its effect.
    pub(crate) deletion_seconds: u64,
    /// Lifetime of the code of a phone verification.
    pub(crate) verification_seconds: u64,
    pub(crate) callback_url: Option<String>,
    /// Whether callbacks are sent by GET; otherwise by POST.
    pub(crate) callback_by_get: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sms_enabled: true,
            calls_enabled: true,
            onetouch_enabled: true,
            suspended: false,
            export_enabled: false,
            deletion_seconds: 86_400,
            verification_seconds: 600,
            callback_url: None,
            callback_by_get: false,
        }
    }
}

/// All people by authy id.
#[derive(Default)]
pub(crate) struct People {
    all: BTreeMap<u64, Person>,
    /// Whom a request may have changed.
    changed: BTreeSet<u64>,
}

impl People {
    /// Returns the person with this authy id, even after a deletion.
    pub(crate) fn get(&mut self, id: u64) -> Option<&mut Person> {
        self.changed.insert(id);
        self.all.get_mut(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Person> {
        self.changed.extend(self.all.keys());
        self.all.values_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.all.values()
    }

    /// Adds a person as they were saved.
    pub(crate) fn put(&mut self, person: Person) {
        self.all.insert(person.id, person);
    }

    /// Returns those who may have changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<&Person> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|id| self.all.get(id)).collect()
    }

    /// Returns the person with this authy id or phone number, or adds one. As at Authy, one phone
    /// number is one person.
    pub(crate) fn find_or_add(
        &mut self,
        id: Option<u64>,
        email: &str,
        country_code: &str,
        number: &str,
    ) -> &mut Person {
        let known = self
            .iter()
            .find(|p| p.cellphone == number && p.country_code == country_code);
        let next = self.all.keys().last().map_or(FIRST_ID, |last| last + 1);
        let id = id.or(known.map(|person| person.id)).unwrap_or(next);
        self.changed.insert(id);
        self.all
            .entry(id)
            .or_insert_with(|| Person::new(id, email, country_code, number))
    }
}

/// Returns the Unix time in seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_is_the_same_person() {
        let mut people = People::default();
        let first = people.find_or_add(None, "a@b.test", "1", "5550100199").id;
        let same = people.find_or_add(None, "x@y.test", "1", "5550100199").id;
        assert_eq!(same, first);
        let other = people.find_or_add(None, "x@y.test", "1", "5550100198").id;
        assert_eq!(other, first + 1);
    }
}
