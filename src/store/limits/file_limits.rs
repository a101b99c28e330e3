//! The limits of one login, with the counts in the state folder.
//!
//! Refused codes, denied pushes and codes that are checked on this host are counted for the user
//! and for each factor of the person; messages for the user, the address and the host. Where one of
//! them is not counted, the others are taken back.

use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use super::entry::Entry;
use super::records::Records;
use super::slot::{self, Counted, Paused, Slot};
use super::word::{PauseRule, Series};
use super::{Costly, Error, LimitedLogin, Limits, rounded, seconds};
use crate::base::text;
use crate::store::config;
use crate::store::state::{Failure, MapWords};

/// The limits of one login, with the counts in the state folder. Opens no file before the first
/// count.
#[derive(Debug)]
pub struct FileLimits {
    records: Rc<Records>,
    rules: config::Limits,
    now: fn() -> SystemTime,
    /// The user for the log, in quotes: a name that was typed could look like another field.
    pub(super) user: String,
    receives: bool,
    /// The entries of the user and of each factor.
    pub(super) person: Vec<Entry>,
    /// The entry of the person's app at Twilio; empty: there is none.
    pub(super) twilio: Vec<Entry>,
    address: Entry,
    host: Entry,
    /// What was counted, where, and in which period.
    acquired: Vec<(Costly, Vec<(Entry, u32)>)>,
    /// The code that is being verified, for each entry of the person; empty: there is none.
    code: Vec<Counted>,
    /// The code that is checked on this host: where it was counted, and in which period.
    pub(super) host_code: Vec<(Entry, u32)>,
    /// The challenge that is being created: what was counted, where, and in which period.
    pub(super) challenge: Vec<(Series, (Entry, u32))>,
    /// The last refusals that this login knows, for each entry of the person.
    known: Vec<Known>,
}

/// How long a code that was sent can be typed, in seconds.
const CODE_LIFETIME: u64 = 600;

/// The numbers of the last refusals in a record.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    refused: u16,
    denied: u16,
}

impl FileLimits {
    /// The limits of a login.
    #[must_use]
    pub fn new(
        state: &Path,
        rules: config::Limits,
        login: LimitedLogin<'_>,
        map: MapWords,
        now: fn() -> SystemTime,
    ) -> Self {
        let factors = login.factors.iter().map(|id| Entry::of_factor(id));
        let user = Entry::of_user(login.user, login.enrolled);
        let at_twilio = login.factors.iter().filter(|id| Entry::is_of_twilio(id));
        Self {
            records: Rc::new(Records::new(state, map)),
            rules,
            now,
            user: text::quoted(&text::sanitize_to(login.user, 64)),
            receives: login.receives,
            person: [user].into_iter().chain(factors).collect(),
            twilio: at_twilio.map(|id| Entry::of_factor(id)).collect(),
            address: Entry::of_address(login.address, login.uid),
            host: Entry::of_host(),
            acquired: Vec::new(),
            code: Vec::new(),
            host_code: Vec::new(),
            challenge: Vec::new(),
            known: Vec::new(),
        }
    }

    /// The limits of the same login for another part of it, which has counted nothing yet: each
    /// takes back its own counts. They share the files that are opened.
    #[must_use]
    pub fn another(&self) -> Self {
        Self {
            records: Rc::clone(&self.records),
            rules: self.rules,
            now: self.now,
            user: self.user.clone(),
            receives: self.receives,
            person: self.person.clone(),
            twilio: self.twilio.clone(),
            address: self.address.clone(),
            host: self.host.clone(),
            acquired: Vec::new(),
            code: Vec::new(),
            host_code: Vec::new(),
            challenge: Vec::new(),
            known: Vec::new(),
        }
    }

    pub(super) fn seconds(&self) -> u64 {
        seconds((self.now)())
    }

    /// Makes the files of the person ahead, so that a code can be counted when the disk is full.
    fn prepare(&self) {
        for entry in &self.person {
            // A code that cannot be counted later is refused then.
            let _ = self.records.claim(entry, self.seconds());
        }
    }

    /// Counts in the record of `entry`, until it is certain that the record is in use.
    pub(super) fn count<T, E>(
        &self,
        entry: &Entry,
        count: impl Fn(&Slot) -> Result<Option<T>, E>,
    ) -> Result<Result<T, E>, Error> {
        for _ in 0..8 {
            let slot = self.records.claim(entry, self.seconds())?;
            match count(&slot) {
                Ok(Some(counted)) => return Ok(Ok(counted)),
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
        let why = "the file of counts was replaced again and again";
        Err(Error::State(Failure::State(why.to_owned())))
    }

    /// Counts a message in the record of `entry`, and returns the period.
    fn count_message(&self, entry: &Entry, what: Costly, limit: u32) -> Result<u32, Error> {
        let now = || self.seconds();
        let counted = if self.receives || *entry != self.host {
            self.count(entry, |slot| slot.acquire(what.into(), limit, &now))?
        } else {
            // Nothing is sent to this user, who takes nothing from the others.
            self.count(entry, |slot| {
                slot.check(what.into(), limit, &now).map(|()| Some(0))
            })?
        };
        counted.map_err(|wait| {
            let (kind, plural) = (entry.kind(), what.plural());
            let detail = format!(
                "limits.{}_per_{kind} = {limit}: no more {plural} for {} within this hour; the next in {}",
                what.key(),
                entry.shown(&self.user),
                rounded(wait),
            );
            Error::Limit { detail }
        })
    }

    /// Takes back messages. Where that fails they stay counted, which only makes the limit
    /// stricter.
    pub(super) fn uncount(&self, what: Series, counted: &[(Entry, u32)]) {
        for (entry, period) in counted {
            if let Some(slot) = self.records.find(entry) {
                slot.release(what, *period);
            }
        }
    }

    /// Calls `change` with each record of the person, that of the user first; `None` for one that
    /// does not exist.
    fn for_person<T: Copy, R>(
        &self,
        values: &[T],
        change: impl Fn(&Slot, T) -> R,
    ) -> Vec<Option<R>> {
        let records = self.person.iter().zip(values);
        let changed = records.map(|(entry, value)| {
            let slot = self.records.find(entry);
            slot.map(|slot| change(&slot, *value))
        });
        changed.collect()
    }

    /// Notes the last refusals of each record of the person.
    fn note(&mut self) {
        let known = self.person.iter().map(|entry| {
            let slot = self.records.find(entry);
            slot.map_or_else(Known::default, |slot| Known {
                refused: slot.last(slot::Row::Refused),
                denied: slot.last(slot::Row::Denied),
            })
        });
        self.known = known.collect();
    }

    /// Returns an error while no push is sent to the person. The records exist afterwards, so that
    /// a denial can be counted.
    fn check_denied(&self) -> Result<(), Error> {
        let now = || self.seconds();
        for entry in &self.person {
            let checked = self.count(entry, |slot| {
                let checked = slot.check_pause(slot::Row::Denied, PauseRule::DENIED, &now);
                checked.map(|()| Some(()))
            })?;
            checked.map_err(|Paused { number, left }| {
                let user = &self.user;
                let detail = format!(
                    "{number} denied pushes in a row: no push for {user} for {}; authyctl unlock {user} ends the pause",
                    rounded(left)
                );
                Error::Limit { detail }
            })?;
        }
        Ok(())
    }

    /// Counts a refused code for the user and each factor. A pause of one is a pause.
    fn count_code(&self, rule: PauseRule, counted: &mut Vec<Counted>) -> Result<(), Error> {
        let now = || self.seconds();
        let row = slot::Row::Refused;
        // A login that one record pauses is counted in none.
        for entry in &self.person {
            self.count(entry, |slot| slot.check_pause(row, rule, &now).map(Some))?
                .map_err(|paused| self.paused(paused))?;
        }
        for entry in &self.person {
            let code = self
                .count(entry, |slot| slot.refuse(row, Some(rule), &now))?
                .map_err(|paused| self.paused(paused))?;
            counted.push(code);
        }
        Ok(())
    }

    /// The error for a code during a pause.
    fn paused(&self, Paused { number, left }: Paused) -> Error {
        let user = &self.user;
        let detail = format!(
            "{number} refused codes in a row: no code of {user} is accepted for {}; authyctl unlock {user} ends the pause",
            rounded(left)
        );
        Error::Limit { detail }
    }
}

impl Limits for FileLimits {
    fn acquire(&mut self, what: Costly) -> Result<(), Error> {
        if what == Costly::Push {
            self.note();
            self.check_denied()?;
        } else {
            self.prepare();
        }
        let mut wanted = vec![(what.limit(self.rules.per_address), self.address.clone())];
        if let Some(user) = self.person.first() {
            wanted.insert(0, (what.limit(self.rules.per_user), user.clone()));
        }
        if what == Costly::Sms {
            wanted.push((self.rules.sms_per_host, self.host.clone()));
        }
        if what != Costly::Push {
            // Without a limit: that of the user is enough. A code can reach another user of the
            // same person.
            let factors = self.person.iter().skip(1);
            wanted.extend(factors.map(|entry| (u32::MAX, entry.clone())));
        }
        let mut counted = Vec::new();
        for (limit, entry) in wanted {
            match self.count_message(&entry, what, limit) {
                Ok(period) => counted.push((entry, period)),
                Err(error) => {
                    self.uncount(what.into(), &counted);
                    return Err(error);
                }
            }
        }
        self.acquired.push((what, counted));
        Ok(())
    }

    fn release(&mut self, what: Costly) {
        let last = self.acquired.iter().rposition(|(kind, _)| *kind == what);
        if let Some(last) = last {
            let (_, counted) = self.acquired.remove(last);
            self.uncount(what.into(), &counted);
        }
    }

    fn acquire_code(&mut self) -> Result<(), Error> {
        self.note();
        let mut counted = Vec::new();
        let result = self.count_code(PauseRule::refused(self.rules.refused_tokens), &mut counted);
        self.code = counted;
        if result.is_err() {
            self.release_code();
        }
        for (known, code) in self.known.iter_mut().zip(&self.code) {
            known.refused = code.sequence;
        }
        result
    }

    fn note_refused(&mut self) {
        self.note();
    }

    fn code_accepted(&mut self, is_code: bool) -> u32 {
        self.code.clear();
        // The login is proven even where this fails, and the next one tries again.
        let forgotten = self.for_person(&self.known, |slot, known| {
            slot.forget(slot::Row::Refused, known.refused)
        });
        // The records of the factors are the person's own, where several share an account.
        let of_factors = forgotten.iter().skip(1).copied().flatten().max();
        let of_user = forgotten.first().copied().flatten();
        let number = of_factors.or(of_user).map_or(0, u32::from);
        number.saturating_sub(u32::from(is_code))
    }

    fn release_code(&mut self) {
        let code = std::mem::take(&mut self.code);
        self.for_person(&code, |slot, counted| {
            slot.release_refused(slot::Row::Refused, counted);
        });
    }

    fn push_denied(&mut self) {
        let now = || self.seconds();
        for entry in &self.person {
            for row in [slot::Row::Refused, slot::Row::Denied] {
                // The records exist since the push was counted; the login ends in any case.
                let _ = self.count(entry, |slot| slot.refuse(row, None, &now));
            }
        }
    }

    fn push_approved(&mut self) {
        self.for_person(&self.known, |slot, known| {
            slot.forget(slot::Row::Denied, known.denied);
        });
    }

    fn sent_lately(&self) -> bool {
        let since = self.seconds().saturating_sub(CODE_LIFETIME);
        let was_sent = |entry: &Entry| {
            self.records.find(entry).is_none_or(|slot| {
                let sent = [Costly::Sms, Costly::Call];
                sent.iter()
                    .any(|what| slot.counted_since((*what).into(), since))
            })
        };
        self.person.iter().any(was_sent)
    }
}
