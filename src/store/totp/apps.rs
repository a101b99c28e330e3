//! The apps of the people behind one entry of the mapping.

use std::path::Path;

use super::{Authenticator, Error, Secrets, Unusable, path};
use crate::base::factor::Person;
use crate::store::users::Entry;

/// The apps of the people behind an entry. totp.toml is an error of those alone who have `totp`.
#[derive(Debug)]
pub struct Apps(Option<Result<Secrets, Error>>);

impl Apps {
    /// Reads the secrets that people of `entry` have in the totp.toml beside the mapping at `users`,
    /// and notes in each person which secret it is. Reads no file for an entry without `totp`.
    #[must_use]
    pub fn of(users: &Path, entry: &mut Entry) -> Self {
        let names = entry.totp_names();
        if names.is_empty() {
            return Self(None);
        }
        let secrets = Secrets::load_some(&path(users), &names);
        if let Ok(secrets) = &secrets {
            entry.set_totp_ids(|name| secrets.find(name).ok().map(Authenticator::id));
        }
        Self(Some(secrets))
    }

    /// Returns the app of one of these people; `None` for a person without one.
    ///
    /// # Errors
    /// The person has `totp`, and no secret that can be used.
    pub fn of_person(&self, person: &Person) -> Result<Option<&Authenticator>, Unusable> {
        let Some(name) = &person.totp else {
            return Ok(None);
        };
        match &self.0 {
            Some(Ok(secrets)) => secrets.find(name).map(Some),
            Some(Err(error)) => Err(error.clone().into()),
            None => Ok(None),
        }
    }
}
