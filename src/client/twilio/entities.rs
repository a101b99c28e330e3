//! The people of a service: owners of apps. Codes by SMS or call need none.
//!
//! Source: Twilio Verify API, `/v2/Services/{VA}/Entities`. Creating a factor creates its person too.

use super::reply::Reply;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::base::factor::twilio::TwilioIdentity;
use crate::client::http::Transport;

/// Calls about people; created by [`Client::entities`].
#[derive(Debug)]
pub struct Entities<'a, T>(pub(super) &'a Client<T>);

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entity {
    /// The identity, which the application chose.
    pub identity: TwilioIdentity,
    /// When it was created, as Twilio writes it.
    pub created: Option<String>,
}

impl<T: Transport> Entities<'_, T> {
    /// Creates a person. Blocks for the time-out or until `deadline`, as every call here.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is one of this identity, or another [`Error`].
    pub fn create(&self, identity: &TwilioIdentity, deadline: Deadline) -> Result<Entity, Error> {
        let name = identity.to_string();
        let path = self.0.path("/Entities");
        let reply = self.0.post(&path, &[("Identity", &name)], deadline)?;
        self.read(&reply, identity)
    }

    /// Returns a person.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none of this identity, or another [`Error`].
    pub fn fetch(&self, identity: &TwilioIdentity, deadline: Deadline) -> Result<Entity, Error> {
        let path = self.0.path(&format!("/Entities/{identity}"));
        self.read(&self.0.get(&path, &[], deadline)?, identity)
    }

    /// Returns all people of the service.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, deadline: Deadline) -> Result<Vec<Entity>, Error> {
        let path = self.0.path("/Entities");
        self.0.list(&path, &[], "entities", deadline, |reply| {
            reply.require(&[("service_sid", self.0.service.as_str())])?;
            read(reply)
        })
    }

    /// Deletes a person with all factors.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none of this identity, or another [`Error`].
    pub fn delete(&self, identity: &TwilioIdentity, deadline: Deadline) -> Result<(), Error> {
        let path = self.0.path(&format!("/Entities/{identity}"));
        self.0.delete(&path, deadline)
    }

    /// Reads a person, who must be the one that was asked for.
    fn read(&self, reply: &Reply, identity: &TwilioIdentity) -> Result<Entity, Error> {
        reply.require(&[
            ("service_sid", self.0.service.as_str()),
            ("identity", &identity.to_string()),
        ])?;
        read(reply)
    }
}

fn read(reply: &Reply) -> Result<Entity, Error> {
    Ok(Entity {
        identity: reply.id("identity")?,
        created: reply.text("date_created"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later, other_sid, sid};
    use super::*;

    #[test]
    fn a_person_is_created_fetched_listed_and_deleted_by_the_identity() {
        let entity = |identity: &str| {
            let service = sid("VA");
            format!(r#"{{"sid":"x","identity":"{identity}","service_sid":"{service}"}}"#)
        };
        let (ours, other) = (entity("abcd-0123"), entity("abcd-0124"));
        let list = format!(r#"{{"entities":[{ours},{other}],"meta":{{}}}}"#);
        let elsewhere = list.replace(&sid("VA"), &other_sid("VA"));
        let answers = [
            (201, ours.as_str()),
            (409, r#"{"code":60301,"message":"exists"}"#),
            (200, ours.as_str()),
            (200, other.as_str()),
            (200, list.as_str()),
            (200, elsewhere.as_str()),
            (204, ""),
        ];
        let client = client(&answers);
        let identity = "abcd-0123".parse().unwrap();
        let calls = client.entities();
        assert_eq!(calls.create(&identity, later()).unwrap().identity, identity);
        let again = calls.create(&identity, later());
        assert!(matches!(again, Err(Error::Exists(_))), "{again:?}");
        calls.fetch(&identity, later()).unwrap();
        assert!(calls.fetch(&identity, later()).is_err(), "another person");
        assert_eq!(calls.list(later()).unwrap().len(), 2);
        assert!(calls.list(later()).is_err(), "another service");
        calls.delete(&identity, later()).unwrap();
        let path = format!("https://verify.test/v2/Services/{}/Entities", sid("VA"));
        let asked = client.asked();
        assert_eq!(asked[0], format!("Post {path} form Identity=abcd-0123"));
        assert_eq!(asked[2], format!("Get {path}/abcd-0123"));
        assert_eq!(asked[4], format!("Get {path}?PageSize=20"));
        assert_eq!(asked[6], format!("Delete {path}/abcd-0123"));
    }
}
