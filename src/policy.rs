//! Pure decisions: who needs a second factor, and what holds when Authy could not be asked.
//!
//! Each takes plain values and gives one back, so that `authyctl explain` can ask the very same
//! questions. Nothing here reads a file, a clock or the network.

use crate::account::Spelling;
use crate::config::Otherwise;

/// What is asked of somebody who is not in the mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unenrolled {
    /// The same as of anyone, to be refused.
    AskAndRefuse,
    /// Nothing: no second factor for this login.
    Pass,
}

/// What is asked of somebody whose name is not in the valid mapping. Let pass only where the
/// configuration says so, and only under the account's own spelling: a name that a directory
/// resolves to somebody else's account might be that somebody, enrolled.
#[must_use]
pub fn unenrolled(otherwise: Otherwise, spelling: Spelling) -> Unenrolled {
    match (otherwise, spelling) {
        (Otherwise::Ignore, Spelling::Own | Spelling::NoAccount) => Unenrolled::Pass,
        (Otherwise::Ignore, Spelling::Alias) | (Otherwise::Deny, _) => Unenrolled::AskAndRefuse,
    }
}

/// Whether a verify without a usable answer lets the person pass. `alive` says that the login's
/// deadline was not what cut the question short: a person who waits until the last moment must not
/// be able to make an outage.
#[must_use]
pub fn passes_outage(otherwise: Otherwise, alive: bool) -> bool {
    otherwise == Otherwise::Ignore && alive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_unenrolled_passes_by_default() {
        for spelling in [Spelling::Own, Spelling::NoAccount, Spelling::Alias] {
            assert_eq!(
                unenrolled(Otherwise::Deny, spelling),
                Unenrolled::AskAndRefuse
            );
        }
    }

    #[test]
    fn an_alias_of_an_account_never_passes_as_unenrolled() {
        assert_eq!(
            unenrolled(Otherwise::Ignore, Spelling::Alias),
            Unenrolled::AskAndRefuse
        );
        assert_eq!(
            unenrolled(Otherwise::Ignore, Spelling::Own),
            Unenrolled::Pass
        );
        assert_eq!(
            unenrolled(Otherwise::Ignore, Spelling::NoAccount),
            Unenrolled::Pass
        );
    }

    #[test]
    fn an_outage_passes_only_when_configured_and_within_the_deadline() {
        assert!(passes_outage(Otherwise::Ignore, true));
        assert!(!passes_outage(Otherwise::Ignore, false));
        assert!(!passes_outage(Otherwise::Deny, true));
    }
}
