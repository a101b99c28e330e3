//! The Unix account of a login, through nix: does this exact name belong to an account, and which
//! groups does it have?
//!
//! A directory service may answer for a name in another spelling (case folded, with a domain); such
//! an answer must not switch the mapping to another entry, so spellings are compared byte for byte.

use std::ffi::CString;

use nix::unistd::{Group, User, getgrouplist};

/// How the system's account database knows a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// An account with exactly this name.
    Own,
    /// No account of that name.
    NoAccount,
    /// An account whose own name is spelled differently.
    Alias,
}

/// The look-up itself failed; nothing is known of the name.
#[derive(Debug, thiserror::Error)]
#[error("the account database could not be asked: {0}")]
pub struct LookupFailed(nix::errno::Errno);

/// Asks the account database (`getpwnam_r`) how it knows `name`. Blocks as long as the system's
/// name services do.
///
/// # Errors
/// [`LookupFailed`] when the database gave no answer, which is not the same as "no account".
pub fn spelling(name: &str) -> Result<Spelling, LookupFailed> {
    match User::from_name(name).map_err(LookupFailed)? {
        None => Ok(Spelling::NoAccount),
        Some(user) if user.name == name => Ok(Spelling::Own),
        Some(_) => Ok(Spelling::Alias),
    }
}

/// The first of `groups` that the account `name` belongs to, by its own group or as a member. Groups
/// are compared by number: two names of one group are one group. A name that is no account, or only
/// another spelling of one, belongs to none; a group that does not exist has nobody in it. Blocks as
/// long as the system's name services do.
///
/// # Errors
/// [`LookupFailed`] when the database gave no answer, which is not the same as "not in it".
pub fn group_of(name: &str, groups: &[String]) -> Result<Option<String>, LookupFailed> {
    let Some(user) = User::from_name(name).map_err(LookupFailed)? else {
        return Ok(None);
    };
    let Ok(c_name) = CString::new(user.name.as_bytes()) else {
        return Ok(None);
    };
    if user.name != name {
        return Ok(None);
    }
    let own = getgrouplist(&c_name, user.gid).map_err(LookupFailed)?;
    for group in groups {
        let found = Group::from_name(group).map_err(LookupFailed)?;
        if found.is_some_and(|found| own.contains(&found.gid)) {
            return Ok(Some(group.clone()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_an_account_and_nonsense_is_none() {
        assert_eq!(spelling("root").unwrap(), Spelling::Own);
        assert_eq!(spelling("no-such-user-here").unwrap(), Spelling::NoAccount);
    }

    #[test]
    fn root_is_in_its_own_group_and_in_no_group_that_is_not_there() {
        let groups = ["no-such-group-here", "root"].map(str::to_owned);
        assert_eq!(group_of("root", &groups).unwrap().as_deref(), Some("root"));
        assert_eq!(group_of("root", &groups[..1]).unwrap(), None);
        assert_eq!(group_of("no-such-user-here", &groups).unwrap(), None);
    }
}
