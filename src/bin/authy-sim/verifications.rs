//! Phone verifications: codes that are sent to a phone number whose owner needs no authy id.
//!
//! `service/phones.rs` starts and checks them for the API; `control.rs` lists their codes for
//! tests.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::random;
use crate::state::now;

/// The number of wrong codes that ends a verification.
const MAX_WRONG_CODES: u32 = 5;

/// All verifications by phone number, written `+COUNTRY_CODE NUMBER`.
#[derive(Default)]
pub(crate) struct Verifications {
    all: BTreeMap<String, Verification>,
    /// The numbers whose verification a request may have changed.
    changed: BTreeSet<String>,
}

/// One verification.
#[derive(Serialize, Deserialize)]
pub(crate) struct Verification {
    pub(crate) uuid: String,
    pub(crate) code: String,
    /// Unix time in seconds.
    expires_at: u64,
    /// Wrong codes so far.
    wrong_codes: u32,
    verified: bool,
}

/// The result of a code check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeCheck {
    Correct,
    Incorrect,
    /// The phone number has no pending verification.
    NonePending,
}

impl Verifications {
    /// Starts a verification that is pending for `lifetime` seconds, or returns the pending one,
    /// which keeps its code.
    pub(crate) fn start(&mut self, phone: &str, code: String, lifetime: u64) -> &Verification {
        self.changed.insert(phone.to_owned());
        let is_pending = self.all.get(phone).is_some_and(Verification::is_pending);
        if !is_pending {
            self.all.insert(
                phone.to_owned(),
                Verification {
                    uuid: random::uuid(),
                    code,
                    expires_at: now() + lifetime,
                    wrong_codes: 0,
                    verified: false,
                },
            );
        }
        &self.all[phone]
    }

    /// Checks a code; a correct one ends the verification.
    pub(crate) fn check(&mut self, phone: &str, code: &str) -> CodeCheck {
        self.changed.insert(phone.to_owned());
        match self.all.get_mut(phone).filter(|found| found.is_pending()) {
            None => CodeCheck::NonePending,
            Some(found) if found.code == code => {
                found.verified = true;
                CodeCheck::Correct
            }
            Some(found) => {
                found.wrong_codes += 1;
                CodeCheck::Incorrect
            }
        }
    }

    /// Returns the verification of a phone number, or the one with this uuid.
    pub(crate) fn find(&self, phone: &str, uuid: &str) -> Option<&Verification> {
        self.all
            .get(phone)
            .or_else(|| self.all.values().find(|found| found.uuid == uuid))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Verification)> {
        self.all.iter()
    }

    /// Adds the verification of a phone number as it was saved.
    pub(crate) fn put(&mut self, phone: &str, verification: Verification) {
        self.all.insert(phone.to_owned(), verification);
    }

    /// Returns those that may have changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<(&String, &Verification)> {
        let changed = std::mem::take(&mut self.changed);
        let found = changed
            .iter()
            .filter_map(|phone| self.all.get_key_value(phone));
        found.collect()
    }
}

impl Verification {
    fn is_pending(&self) -> bool {
        self.status() == "pending"
    }

    /// Returns `verified`, `expired` or `pending`.
    pub(crate) fn status(&self) -> &'static str {
        if self.verified {
            "verified"
        } else if self.expires_at <= now() || self.wrong_codes >= MAX_WRONG_CODES {
            "expired"
        } else {
            "pending"
        }
    }

    pub(crate) fn seconds_to_expire(&self) -> u64 {
        self.expires_at.saturating_sub(now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "+1 5550100199";

    #[test]
    fn a_code_is_correct_once_and_not_after_five_wrong_codes() {
        let mut all = Verifications::default();
        let code = all.start(PHONE, "1234".into(), 600).code.clone();
        assert_eq!(all.start(PHONE, "9999".into(), 600).code, code);
        assert_eq!(all.check(PHONE, &code), CodeCheck::Correct);
        assert_eq!(all.check(PHONE, &code), CodeCheck::NonePending);

        all.start(PHONE, "1234".into(), 600);
        for _ in 0..MAX_WRONG_CODES {
            assert_eq!(all.check(PHONE, "x"), CodeCheck::Incorrect);
        }
        assert_eq!(all.check(PHONE, "1234"), CodeCheck::NonePending);
    }

    #[test]
    fn an_expired_code_is_refused() {
        let mut all = Verifications::default();
        assert_eq!(all.start(PHONE, "1234".into(), 0).status(), "expired");
        assert_eq!(all.check(PHONE, "1234"), CodeCheck::NonePending);
        assert_eq!(all.start(PHONE, "5678".into(), 600).code, "5678");
    }
}
