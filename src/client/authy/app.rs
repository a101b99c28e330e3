//! The application at Authy: what it is, and how much it was used.
//!
//! Source: Authy API, `GET /protected/json/app/details`, `GET /protected/json/app/stats` and
//! `GET /protected/json/reporting/events`. Members that this version does not know are kept, since an
//! administrator may.

use serde_json::{Map, Value};

use super::reply::number;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

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
    #[doc = concat!("```\n", include_str!("examples/app.rs"), "```")]
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

    /// What has happened, page by page (from 1, of 1 to 100 events), as the service says it: its shape
    /// is not documented. `query` narrows it, by names of the service's own. Blocks for the time-out or
    /// until `deadline`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page that cannot be; otherwise as [`Error`] says.
    pub fn events(
        &self,
        query: &[(&str, &str)],
        page: u32,
        per_page: u32,
        deadline: Deadline,
    ) -> Result<Map<String, Value>, Error> {
        if page == 0 {
            return Err(invalid("page", "is at least 1"));
        }
        if !(1..=100).contains(&per_page) {
            return Err(invalid("per_page", "is 1 to 100"));
        }
        let names: Vec<_> = query
            .iter()
            .map(|(name, _)| format!("query[{name}]"))
            .collect();
        let (page, per_page) = (page.to_string(), per_page.to_string());
        let mut pairs = vec![("page", page.as_str()), ("per_page", per_page.as_str())];
        pairs.extend(
            names
                .iter()
                .map(String::as_str)
                .zip(query.iter().map(|(_, text)| *text)),
        );
        let reply = self
            .0
            .get("/protected/json/reporting/events", &pairs, deadline)?;
        Ok(reply.unless_denied()?.into_object())
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later};
    use super::*;

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

    #[test]
    fn events_are_asked_for_by_page_and_given_back_as_they_came() {
        let client = client(&[
            (200, r#"{"events":[{"kind":"x"}]}"#),
            (200, r#"{"success":false}"#),
        ]);
        let narrow = [("user_id", "1635"), ("type", "a b")];
        let found = client.app().events(&narrow, 2, 50, later()).unwrap();
        assert_eq!(found["events"][0]["kind"], "x");
        assert_eq!(
            client.asked(),
            [
                "Get https://authy.test/protected/json/reporting/events?page=2&per_page=50\
              &query%5Buser_id%5D=1635&query%5Btype%5D=a%20b"
            ]
        );
        assert!(client.app().events(&[], 1, 1, later()).is_err());
        for (page, per_page) in [(0, 1), (1, 0), (1, 101)] {
            let error = client
                .app()
                .events(&[], page, per_page, later())
                .unwrap_err();
            assert!(matches!(error, Error::Invalid { .. }));
        }
    }
}
