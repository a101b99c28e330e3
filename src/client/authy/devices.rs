//! Devices that people registered with an application's own SDK, not those of the Authy app.
//!
//! Source: Authy API, `DELETE /protected/json/sdk/devices/{device_id}`. Called by
//! `authyctl person delete-device`.

use super::{Client, Error};
use crate::base::deadline::Deadline;
use crate::client::http::Transport;

/// Calls about devices; created by [`Client::devices`].
#[derive(Debug)]
pub struct Devices<'a, T>(pub(super) &'a Client<T>);

impl<T: Transport> Devices<'_, T> {
    /// Deletes a device of a person. Blocks for the time-out or until `deadline`.
    ///
    #[doc = concat!("```\n", include_str!("examples/devices.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::NotFound`] for a device that Authy does not know, or another [`Error`].
    pub fn delete(&self, device_id: u64, deadline: Deadline) -> Result<(), Error> {
        let path = format!("/protected/json/sdk/devices/{device_id}");
        self.0.delete(&path, deadline)?.require_success().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{client, later};
    use super::*;

    #[test]
    fn a_device_is_deleted_and_an_unknown_one_is_not_found() {
        let unknown = r#"{"error_code":"60092","message":"Device not found.","success":false}"#;
        let client = client(&[(200, r#"{"success":true}"#), (404, unknown)]);
        client.devices().delete(77, later()).unwrap();
        let again = client.devices().delete(77, later());
        assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
        assert_eq!(
            client.asked()[0],
            "Delete https://authy.test/protected/json/sdk/devices/77"
        );
    }
}
