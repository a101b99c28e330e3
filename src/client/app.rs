//! The application at Authy: what it is, and how much it was used.
//!
//! Source: Authy API, `GET /protected/json/app/details` and `GET /protected/json/app/stats`. Members
//! that this version does not know are kept, since an administrator may.

use serde_json::{Map, Value};

use super::reply::number;
use super::transport::Transport;
use super::{Client, Error};
use crate::deadline::Deadline;

/// Questions about the application; made by [`Client::app`].
#[derive(Debug)]
pub struct App<'a, T>(pub(super) &'a Client<T>);

/// What the application was used for.
#[derive(Debug, Clone)]
pub struct Stats {
    /// One object for each month: `month`, `year`, `api_calls_count`, …
    pub months: Vec<Map<String, Value>>,
    /// People in all.
    pub total_users: Option<u64>,
    /// How many months there are, as the service says.
    pub count: Option<u64>,
}

impl<T: Transport> App<'_, T> {
    /// The application's `app_id`, `name`, `plan`, `sms_enabled`, … The best way to learn whether a key
    /// is right. Blocks for the time-out or until `deadline`.
    ///
    /// ```
    /// # use pam_authy::client::{Client, Error, transport::Transport};
    /// # use pam_authy::deadline::Deadline;
    /// fn name<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<String, Error> {
    ///     let app = client.app().details(deadline)?;
    ///     Ok(app["name"].as_str().unwrap_or("?").to_owned())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::KeyRefused`] for a wrong key; otherwise as [`Error`] says.
    pub fn details(&self, deadline: Deadline) -> Result<Map<String, Value>, Error> {
        let reply = self
            .0
            .get("/protected/json/app/details", &[], deadline)?
            .succeeded()?;
        reply.object("app").cloned()
    }

    /// Use by month. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn stats(&self, deadline: Deadline) -> Result<Stats, Error> {
        let reply = self
            .0
            .get("/protected/json/app/stats", &[], deadline)?
            .succeeded()?;
        Ok(Stats {
            months: reply.objects("stats")?,
            total_users: reply.get("total_users").and_then(number),
            count: reply.get("count").and_then(number),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later};

    #[test]
    fn unknown_members_of_the_application_are_kept() {
        let body = r#"{"app":{"app_id":77,"name":"Example","new_flag":[1]},"success":true}"#;
        let client = client(&[(200, body)]);
        let app = client.app().details(later()).unwrap();
        assert_eq!(app["new_flag"][0], 1);
    }

    #[test]
    fn stats_are_a_row_for_each_month() {
        let body = r#"{"count":1,"total_users":"100","success":true,
            "stats":[{"month":"January","year":2015,"sms_count":3,"new_count":4}]}"#;
        let client = client(&[(200, body)]);
        let stats = client.app().stats(later()).unwrap();
        assert_eq!((stats.count, stats.total_users), (Some(1), Some(100)));
        assert_eq!(stats.months[0]["new_count"], 4);
    }

    #[test]
    fn an_application_that_is_none_makes_no_sense() {
        let client = client(&[(200, r#"{"success":true}"#), (200, r#"{"app":{}}"#)]);
        assert!(client.app().details(later()).unwrap_err().is_unavailable());
        assert!(client.app().details(later()).is_err());
    }
}
