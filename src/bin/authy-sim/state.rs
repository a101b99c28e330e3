//! What the service knows: people, their tokens, their inboxes, and the requests it has seen.
//!
//! One mutex around it all: a simulator serves tests, and a right answer matters more than a fast one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::approvals::Approvals;
use crate::faults::Armed;
use crate::person::Person;
use crate::verifications::Verifications;

/// The first authy id that is given.
const FIRST_ID: u64 = 1635;

/// The whole simulator.
pub(crate) struct Sim {
    pub(crate) key: String,
    url: String,
    pub(crate) sandbox: bool,
    people: Mutex<People>,
    approvals: Mutex<Approvals>,
    verifications: Mutex<Verifications>,
    settings: Mutex<Settings>,
    faults: Mutex<Armed>,
    requests: Mutex<Vec<Value>>,
    pub(crate) connections: AtomicU64,
    pub(crate) handshakes: AtomicU64,
}

impl Sim {
    pub(crate) fn new(key: String, url: String, sandbox: bool) -> Self {
        Self {
            key,
            url,
            sandbox,
            people: Mutex::default(),
            approvals: Mutex::default(),
            verifications: Mutex::default(),
            settings: Mutex::default(),
            faults: Mutex::default(),
            requests: Mutex::default(),
            connections: AtomicU64::new(0),
            handshakes: AtomicU64::new(0),
        }
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn approvals(&self) -> MutexGuard<'_, Approvals> {
        self.approvals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn verifications(&self) -> MutexGuard<'_, Verifications> {
        self.verifications
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Armed> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request of the API.
    pub(crate) fn remember(&self, request: Value) {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
    }

    /// Everything that was asked, and how far connections came.
    pub(crate) fn requests(&self) -> Value {
        json!({
            "requests": *self.requests.lock().unwrap_or_else(PoisonError::into_inner),
            "connections": self.connections.load(Ordering::SeqCst),
            "handshakes": self.handshakes.load(Ordering::SeqCst),
        })
    }

    pub(crate) fn forget_requests(&self) {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.connections.store(0, Ordering::SeqCst);
        self.handshakes.store(0, Ordering::SeqCst);
    }
}

/// What the application may do, and where its callbacks go.
pub(crate) struct Settings {
    pub(crate) sms_enabled: bool,
    pub(crate) calls_enabled: bool,
    pub(crate) onetouch_enabled: bool,
    pub(crate) suspended: bool,
    /// Whether whole phone numbers may be exported.
    pub(crate) export_enabled: bool,
    /// How long after its request a deletion takes effect.
    pub(crate) deletion_seconds: u64,
    /// How long the code of a phone verification works.
    pub(crate) verification_seconds: u64,
    pub(crate) callback_url: Option<String>,
    /// Callbacks are GETs, not POSTs.
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

/// All people, by authy id.
#[derive(Default)]
pub(crate) struct People(BTreeMap<u64, Person>);

impl People {
    pub(crate) fn get(&mut self, id: u64) -> Option<&mut Person> {
        self.0.get_mut(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Person> {
        self.0.values_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0.values()
    }

    /// The person with this number, or a new one: the same number is the same person.
    pub(crate) fn add(
        &mut self,
        id: Option<u64>,
        email: &str,
        code: &str,
        number: &str,
    ) -> &mut Person {
        let known = self
            .iter()
            .find(|p| p.cellphone == number && p.country_code == code);
        let next = self.0.keys().last().map_or(FIRST_ID, |last| last + 1);
        let id = id.or(known.map(|person| person.id)).unwrap_or(next);
        self.0
            .entry(id)
            .or_insert_with(|| Person::new(id, email, code, number))
    }
}

/// Seconds since 1970.
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
        let first = people.add(None, "a@b.test", "1", "5550100199").id;
        assert_eq!(people.add(None, "x@y.test", "1", "5550100199").id, first);
        assert_eq!(
            people.add(None, "x@y.test", "1", "5550100198").id,
            first + 1
        );
    }
}
