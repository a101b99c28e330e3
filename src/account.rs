//! The Unix account of a login, through nix: does this exact name belong to an account?
//!
//! A directory service may answer for a name in another spelling (case folded, with a domain); such
//! an answer must not switch the mapping to another entry, so spellings are compared byte for byte.

use nix::unistd::User;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_an_account_and_nonsense_is_none() {
        assert_eq!(spelling("root").unwrap(), Spelling::Own);
        assert_eq!(spelling("no-such-user-here").unwrap(), Spelling::NoAccount);
    }
}
