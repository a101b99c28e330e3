//! Pure decisions: who needs a second factor, and what holds when Authy could not be asked.
//!
//! Each takes plain values and gives one back, so that `authyctl explain` can ask the very same
//! questions. Nothing here reads a file, a clock or the network.

use crate::account::Spelling;
use crate::config::Otherwise;
use crate::users::Entry;

/// What a login is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// A factor of the person whom the mapping names.
    Person,
    /// A factor of nobody's: asked like anyone, and refused.
    Nobody,
    /// Refused at once: the entry cannot be used.
    Unusable,
    /// Nothing: no second factor for this login.
    Pass,
}

/// What a login is asked for whose name the mapping answers with `entry`. How the account spells its
/// name is looked up only where it matters.
///
/// # Errors
/// The look-up failed: the login is refused.
pub fn required<E>(
    entry: &Entry,
    otherwise: Otherwise,
    spelling: impl FnOnce() -> Result<Spelling, E>,
) -> Result<Required, E> {
    Ok(match entry {
        Entry::Enrolled(_) => Required::Person,
        Entry::Shared(_) | Entry::Unusable { .. } => Required::Unusable,
        Entry::Absent if otherwise == Otherwise::Deny => Required::Nobody,
        Entry::Absent if passes_unenrolled(otherwise, spelling()?) => Required::Pass,
        Entry::Absent => Required::Nobody,
    })
}

/// Whether somebody passes whose name is not in the valid mapping: only where the configuration says
/// so, and only under the account's own spelling. A name that a directory resolves to somebody else's
/// account might be that somebody, enrolled.
fn passes_unenrolled(otherwise: Otherwise, spelling: Spelling) -> bool {
    otherwise == Otherwise::Ignore && spelling != Spelling::Alias
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
    use crate::users::Person;

    fn absent(otherwise: Otherwise, spelling: Spelling) -> Required {
        required(&Entry::Absent, otherwise, || Ok::<_, ()>(spelling)).unwrap()
    }

    #[test]
    fn nobody_unenrolled_passes_by_default() {
        for spelling in [Spelling::Own, Spelling::NoAccount, Spelling::Alias] {
            assert_eq!(absent(Otherwise::Deny, spelling), Required::Nobody);
        }
    }

    #[test]
    fn an_alias_of_an_account_never_passes_as_unenrolled() {
        let ignore = Otherwise::Ignore;
        assert_eq!(absent(ignore, Spelling::Alias), Required::Nobody);
        assert_eq!(absent(ignore, Spelling::Own), Required::Pass);
        assert_eq!(absent(ignore, Spelling::NoAccount), Required::Pass);
    }

    #[test]
    fn an_entry_never_passes_whatever_it_says() {
        let enrolled = Entry::Enrolled(Person {
            id: 1_u64.try_into().unwrap(),
            push: None,
        });
        let unusable = Entry::Unusable {
            line: 1,
            message: String::new(),
        };
        let ask = |entry| required(entry, Otherwise::Ignore, || Ok::<_, ()>(Spelling::Own));
        assert_eq!(ask(&enrolled), Ok(Required::Person));
        assert_eq!(ask(&unusable), Ok(Required::Unusable));
    }

    #[test]
    fn a_failed_look_up_is_no_pass() {
        let failed = required(&Entry::Absent, Otherwise::Ignore, || Err("down"));
        assert_eq!(failed, Err("down"));
    }

    #[test]
    fn an_outage_passes_only_when_configured_and_within_the_deadline() {
        assert!(passes_outage(Otherwise::Ignore, true));
        assert!(!passes_outage(Otherwise::Ignore, false));
        assert!(!passes_outage(Otherwise::Deny, true));
    }
}
