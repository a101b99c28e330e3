//! The Unix account of a login, from the system's account database (NSS): whether an account has
//! exactly this name, and which groups it is in.
//!
//! A directory service may find an account by another spelling of its name (case folded, with a
//! domain). Such an answer must not lead to another entry of the mapping, so names are compared
//! byte for byte. Used by `login::policy`, through `engine::wiring` and `authyctl explain`.

use std::ffi::CString;

use nix::unistd::{Group, Uid, User, getgrouplist};

/// How the account database spells a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// An account with exactly this name.
    Own,
    /// No account of that name.
    NoAccount,
    /// An account whose own name is spelled differently.
    Alias,
}

/// The look-up itself failed, so nothing is known about the name.
#[derive(Debug, thiserror::Error)]
#[error("the account database could not be asked: {0}")]
pub struct LookupFailed(nix::errno::Errno);

/// Looks up how the account database (`getpwnam_r`) spells `name`. Blocks as long as the system's
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

/// Returns the name of the account with this uid, if there is one. Blocks as long as the system's
/// name services do.
///
/// # Errors
/// [`LookupFailed`] when the database gave no answer.
pub fn name_of(uid: u32) -> Result<Option<String>, LookupFailed> {
    let user = User::from_uid(Uid::from_raw(uid)).map_err(LookupFailed)?;
    Ok(user.map(|user| user.name))
}

/// Returns the first of `groups` that the account `name` is in, by its own group or as a member.
/// Groups are compared by number, so two names of one group are the same group. A name without an
/// account, or with another spelling than the account's, is in no group; a group that does not
/// exist has no members. Blocks as long as the system's name services do.
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
    fn root_has_an_account_and_an_unknown_name_has_none() {
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
