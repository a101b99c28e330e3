//! Phone verifications: codes for numbers of people who need no authy id.

use std::collections::BTreeMap;

use crate::random;
use crate::state::now;

/// Wrong codes before a verification is over.
const TRIES: u32 = 5;

/// All verifications, by `+code number`.
#[derive(Default)]
pub(crate) struct Verifications(BTreeMap<String, Verification>);

/// One verification.
pub(crate) struct Verification {
    pub(crate) uuid: String,
    pub(crate) code: String,
    until: u64,
    wrong: u32,
    verified: bool,
}

/// What a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    Right,
    Wrong,
    NonePending,
}

impl Verifications {
    /// Sends a code that works for `life` seconds; the same one again while it works.
    pub(crate) fn start(&mut self, phone: &str, code: String, life: u64) -> &Verification {
        let is_pending = self.0.get(phone).is_some_and(Verification::is_pending);
        if !is_pending {
            self.0.insert(
                phone.to_owned(),
                Verification {
                    uuid: random::uuid(),
                    code,
                    until: now() + life,
                    wrong: 0,
                    verified: false,
                },
            );
        }
        &self.0[phone]
    }

    pub(crate) fn check(&mut self, phone: &str, code: &str) -> Check {
        match self.0.get_mut(phone).filter(|found| found.is_pending()) {
            None => Check::NonePending,
            Some(found) if found.code == code => {
                found.verified = true;
                Check::Right
            }
            Some(found) => {
                found.wrong += 1;
                Check::Wrong
            }
        }
    }

    /// By number, or by uuid.
    pub(crate) fn find(&self, phone: &str, uuid: &str) -> Option<&Verification> {
        self.0
            .get(phone)
            .or_else(|| self.0.values().find(|found| found.uuid == uuid))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Verification)> {
        self.0.iter()
    }
}

impl Verification {
    fn is_pending(&self) -> bool {
        self.status() == "pending"
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.verified {
            "verified"
        } else if self.until <= now() || self.wrong >= TRIES {
            "expired"
        } else {
            "pending"
        }
    }

    pub(crate) fn seconds_to_expire(&self) -> u64 {
        self.until.saturating_sub(now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "+1 5550100199";

    #[test]
    fn a_code_works_once_and_not_after_five_wrong_ones() {
        let mut all = Verifications::default();
        let code = all.start(PHONE, "1234".into(), 600).code.clone();
        assert_eq!(all.start(PHONE, "9999".into(), 600).code, code);
        assert_eq!(all.check(PHONE, &code), Check::Right);
        assert_eq!(all.check(PHONE, &code), Check::NonePending);

        all.start(PHONE, "1234".into(), 600);
        for _ in 0..TRIES {
            assert_eq!(all.check(PHONE, "x"), Check::Wrong);
        }
        assert_eq!(all.check(PHONE, "1234"), Check::NonePending);
    }

    #[test]
    fn a_code_that_has_expired_is_none() {
        let mut all = Verifications::default();
        assert_eq!(all.start(PHONE, "1234".into(), 0).status(), "expired");
        assert_eq!(all.check(PHONE, "1234"), Check::NonePending);
        assert_eq!(all.start(PHONE, "5678".into(), 600).code, "5678");
    }
}
