//! The application at Authy: its settings, its usage and its events.
//!
//! Source: Authy API, `GET /protected/json/app/details`, `GET /protected/json/app/stats` and
//! `GET /protected/json/reporting/events`. Unknown members of the answers are kept, since they may
//! mean something to an administrator.

use serde_json::{Map, Value};

use super::reply::number;
use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

/// Calls about the application; created by [`Client::app`].
#[derive(Debug)]
pub struct App<'a, T>(pub(super) &'a Client<T>);

/// The usage of the application.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stats {
    /// One object for each month: `month`, `year`, `api_calls_count`, …
    pub months: Vec<Map<String, Value>>,
    /// The number of people.
    pub total_users: Option<u64>,
    /// The number of months, according to the service.
    pub count: Option<u64>,
}

impl<T: Transport> App<'_, T> {
    /// Returns the application's `app_id`, `name`, `plan`, `sms_enabled` and so on. This is the
    /// best call to test a key. Blocks for the time-out or until `deadline`.
    ///
    #[doc = concat!("```\n", include_str!("examples/app.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::KeyRefused`] for a wrong key, or another [`Error`].
    pub fn details(&self, deadline: Deadline) -> Result<Map<String, Value>, Error> {
        let reply = self
            .0
            .get("/protected/json/app/details", &[], deadline)?
            .require_success()?;
        reply.object("app").cloned()
    }

    /// Returns the usage by month. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn stats(&self, deadline: Deadline) -> Result<Stats, Error> {
        let reply = self
            .0
            .get("/protected/json/app/stats", &[], deadline)?
            .require_success()?;
        Ok(Stats {
            months: reply.objects("stats")?,
            total_users: reply.get("total_users").and_then(number),
            count: reply.get("count").and_then(number),
        })
    }

    /// Returns one page of events, unchanged, since their format is not documented. Pages count
    /// from 1 and have 1 to 100 events. `query` filters the events by parameters of the service.
    /// Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `page` or `per_page` is out of range, or another [`Error`].
    pub fn events(
        &self,
        query: &[(&str, &str)],
        page: u32,
        per_page: u32,
        deadline: Deadline,
    ) -> Result<Map<String, Value>, Error> {
        if page == 0 {
            return Err(invalid("page", "must be at least 1"));
        }
        if !(1..=100).contains(&per_page) {
            return Err(invalid("per_page", "must be 1 to 100"));
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
        Ok(reply.reject_failure()?.into_object())
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
    fn stats_have_one_row_per_month() {
        let body = r#"{"count":1,"total_users":"100","success":true,
            "stats":[{"month":"January","year":2015,"sms_count":3,"new_count":4}]}"#;
        let client = client(&[(200, body)]);
        let stats = client.app().stats(later()).unwrap();
        assert_eq!((stats.count, stats.total_users), (Some(1), Some(100)));
        assert_eq!(stats.months[0]["new_count"], 4);
    }

    #[test]
    fn an_answer_without_an_application_is_unexpected() {
        let client = client(&[(200, r#"{"success":true}"#), (200, r#"{"app":{}}"#)]);
        let details = client.app().details(later());
        assert!(matches!(details, Err(Error::Unexpected(_))), "{details:?}");
        assert!(client.app().details(later()).is_err());
    }

    #[test]
    fn events_are_requested_by_page_and_returned_unchanged() {
        let client = client(&[
            (200, r#"{"events":[{"kind":"x"}]}"#),
            (200, r#"{"success":false}"#),
        ]);
        let query = [("user_id", "1635"), ("type", "a b")];
        let found = client.app().events(&query, 2, 50, later()).unwrap();
        assert_eq!(found["events"][0]["kind"], "x");
        assert_eq!(
            client.asked(),
            [
                "Get https://authy.test/protected/json/reporting/events?page=2&per_page=50\
              &query%5Buser_id%5D=1635&query%5Btype%5D=a%20b"
            ]
        );
        assert!(client.app().events(&[], 1, 1, later()).is_err());
    }

    #[test]
    fn events_of_an_invalid_page_are_not_requested() {
        let client = client(&[]);
        let is_invalid = |(page, per_page): &(u32, u32)| {
            let found = client.app().events(&[], *page, *per_page, later());
            matches!(found, Err(Error::Invalid { .. }))
        };
        let mut failed = vec![(0, 1), (1, 0), (1, 101)];
        failed.retain(|row| !is_invalid(row));
        assert!(failed.is_empty(), "{failed:?}");
    }
}
