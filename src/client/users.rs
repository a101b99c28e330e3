//! People: what Authy knows of one.
//!
//! Source: Authy API, `GET /protected/json/users/{authy_id}/status`. Older services answer with fewer
//! members, so all but the id are optional here.

use serde_json::{Map, Value};

use super::reply::{is_true, number};
use super::transport::{Method, Transport};
use super::types::AuthyId;
use super::{Client, Error};
use crate::deadline::Deadline;
use crate::text;

/// Questions about people; made by [`Client::users`].
#[derive(Debug)]
pub struct Users<'a, T>(pub(super) &'a Client<T>);

/// What Authy says of a person.
#[derive(Debug, Clone)]
pub struct Status {
    /// The person.
    pub authy_id: AuthyId,
    /// Whether a right token was ever used.
    pub confirmed: bool,
    /// Whether the app is set up.
    pub registered: bool,
    /// The calling code, such as 351.
    pub country_code: Option<u64>,
    /// The masked number, such as `XXX-XXX-9302`.
    pub phone_number: Option<String>,
    /// Kinds of device: `android`, `iphone`, `sms`, …
    pub devices: Vec<String>,
    /// Whether the account is marked for deletion.
    pub account_disabled: bool,
    /// All that the service said, as it said it.
    pub all: Map<String, Value>,
}

impl<T: Transport> Users<'_, T> {
    /// Asks what Authy knows of `id`. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an id that Authy doesn't know; otherwise as [`Error`] says.
    pub fn status(&self, id: AuthyId, deadline: Deadline) -> Result<Status, Error> {
        let path = format!("/protected/json/users/{id}/status");
        let reply = self
            .0
            .call(Method::Get, &path, &[], deadline)?
            .succeeded()?;
        Ok(read_status(id, reply.object("status")?))
    }
}

fn read_status(id: AuthyId, status: &Map<String, Value>) -> Status {
    let flag = |name: &str| status.get(name).is_some_and(is_true);
    let devices = status.get("devices").and_then(Value::as_array);
    Status {
        authy_id: id,
        confirmed: flag("confirmed"),
        registered: flag("registered"),
        country_code: status.get("country_code").and_then(number),
        phone_number: status
            .get("phone_number")
            .and_then(Value::as_str)
            .map(text::clean),
        devices: devices
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(text::clean)
            .collect(),
        account_disabled: flag("account_disabled"),
        all: status.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later};
    use super::*;

    #[test]
    fn the_sparse_and_the_modern_shape_are_read() {
        let sparse = r#"{"message":"User status.","success":true,"status":{"authy_id":"1635","confirmed":true,
            "registered":false,"country_code":"1","phone_number":"XXX-XXX-9302","devices":["sms"]}}"#;
        let modern = r#"{"message":"User status.","success":true,"status":{"authy_id":1635,"confirmed":true,
            "registered":true,"country_code":351,"phone_number":"XXX-XXX-9302","devices":["iphone","ipad"],
            "has_hard_token":false,"account_disabled":true,"detailed_devices":[{"device_id":1}]}}"#;
        let client = client(&[(200, sparse), (200, modern)]);
        let id = "1635".parse().unwrap();
        let first = client.users().status(id, later()).unwrap();
        assert_eq!((first.country_code, first.registered), (Some(1), false));
        let second = client.users().status(id, later()).unwrap();
        assert_eq!(second.devices, ["iphone", "ipad"]);
        assert!(second.account_disabled && second.all.contains_key("detailed_devices"));
    }

    #[test]
    fn an_unknown_person_is_not_found() {
        let body =
            r#"{"error_code":"60026","message":"User not found.","errors":{},"success":false}"#;
        let client = client(&[(404, body)]);
        let answer = client.users().status("5".parse().unwrap(), later());
        assert!(matches!(answer, Err(Error::NotFound(_))));
    }
}
