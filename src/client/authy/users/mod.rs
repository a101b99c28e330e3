//! Creates, reads, changes and deletes people at Authy, and gets their secret for another
//! authenticator app.
//!
//! Source: Authy API, `/protected/json/users/…`. Older services answer with fewer members, so all
//! but the id are optional here. More calls about people are in `activity`.

use serde_json::{Map, Value, json};

use super::reply::{Reply, about_another, is_true, number, unexpected};
use super::types::{AuthyId, Cellphone, CountryCode};
use super::{Client, Error, object};
use crate::base::deadline::Deadline;
use crate::base::secret::Secret;
use crate::base::text;
use crate::client::authy::error::{invalid, unreadable};
use crate::client::http::Transport;

/// Calls about people; created by [`Client::users`].
#[derive(Debug)]
pub struct Users<'a, T>(pub(super) &'a Client<T>);

/// What Authy knows about a person.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The person.
    pub authy_id: AuthyId,
    /// Whether the person has ever used a valid token.
    pub confirmed: bool,
    /// Whether the app is set up.
    pub registered: bool,
    /// The calling code, such as 351.
    pub country_code: Option<u64>,
    /// The masked number, such as `XXX-XXX-9302`.
    pub phone_number: Option<String>,
    /// The kinds of devices: `android`, `iphone`, `sms` and so on.
    pub devices: Vec<String>,
    /// Whether the account is marked for deletion.
    pub account_disabled: bool,
    /// The complete answer, unchanged.
    pub all: Map<String, Value>,
}

/// A person to create.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewUser<'a> {
    /// The e-mail address.
    pub email: &'a str,
    /// The number within the country.
    pub cellphone: &'a Cellphone,
    /// The country's calling code.
    pub country_code: CountryCode,
    /// Whether Authy sends an SMS with a link to its app. The request always contains this, because
    /// Authy sends the SMS by default.
    pub send_install_link: bool,
}

impl<'a> NewUser<'a> {
    /// Describes a person. Authy does not send them a link to its app.
    #[must_use]
    pub fn new(email: &'a str, cellphone: &'a Cellphone, country_code: CountryCode) -> Self {
        Self {
            email,
            cellphone,
            country_code,
            send_install_link: false,
        }
    }

    /// Sets [`NewUser::send_install_link`].
    #[must_use]
    pub fn send_install_link(mut self, send_install_link: bool) -> Self {
        self.send_install_link = send_install_link;
        self
    }
}

/// The answer to a deletion.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Deletion {
    /// Authy's text.
    pub message: String,
    /// Whether the service answered HTTP 200 without success. It has done so for people whom it had
    /// removed.
    pub doubtful: bool,
}

/// The options of a QR code for another authenticator app.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct QrOptions<'a> {
    /// The width and height of the image, in pixels.
    pub qr_size: Option<u32>,
    /// The text that the app shows.
    pub label: Option<&'a str>,
}

impl<'a> QrOptions<'a> {
    /// Sets [`QrOptions::qr_size`].
    #[must_use]
    pub fn qr_size(mut self, qr_size: impl Into<Option<u32>>) -> Self {
        self.qr_size = qr_size.into();
        self
    }

    /// Sets [`QrOptions::label`].
    #[must_use]
    pub fn label(mut self, label: impl Into<Option<&'a str>>) -> Self {
        self.label = label.into();
        self
    }
}

/// The QR code for another authenticator app.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QrCode {
    /// The URL of an image, or an `otpauth:` URI. It contains the secret: keep it out of logs.
    pub qr_code: Secret,
    /// The issuer of the tokens, if Authy sent it.
    pub issuer: Option<String>,
    /// The text that the app shows, if Authy sent it.
    pub label: Option<String>,
}

impl<T: Transport> Users<'_, T> {
    /// Creates a person and returns their id. The same phone number always gets the same id. Blocks
    /// for the time-out or until `deadline`.
    ///
    #[doc = concat!("```\n", include_str!("../examples/users.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::Refused`] with field errors for an e-mail address or phone number that Authy does
    /// not accept, or another [`Error`].
    pub fn create(&self, person: &NewUser<'_>, deadline: Deadline) -> Result<AuthyId, Error> {
        check_email(person.email)?;
        let body = json!({
            "user": {
                "email": person.email,
                "cellphone": person.cellphone.digits(),
                "country_code": person.country_code.number(),
            },
            "send_install_link_via_sms": person.send_install_link,
        });
        let reply = self
            .0
            .post("/protected/json/users/new", &body, deadline)?
            .require_success()?;
        let id = reply.object("user")?.get("id").and_then(number);
        id.and_then(|id| id.try_into().ok())
            .ok_or_else(|| unexpected("no `user.id` in the answer"))
    }

    /// Makes Authy remove `id` from the application. This takes effect about 24 hours later, so
    /// remove the person from the mapping too. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an id that Authy does not know, or another [`Error`].
    pub fn delete(&self, id: AuthyId, deadline: Deadline) -> Result<Deletion, Error> {
        let path = format!("/protected/json/users/{id}/remove");
        let reply = self.0.post(&path, &json!({}), deadline)?.about(id)?;
        Ok(Deletion {
            message: reply.text("message").unwrap_or_default(),
            doubtful: !reply.flag("success"),
        })
    }

    /// Changes the e-mail address of `id`. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn update_email(&self, id: AuthyId, email: &str, deadline: Deadline) -> Result<(), Error> {
        check_email(email)?;
        let path = format!("/protected/json/users/{id}/update");
        self.0
            .post(&path, &json!({"email": email}), deadline)?
            .about(id)?
            .require_success()
            .map(drop)
    }

    /// Creates a secret for another authenticator app of `id`, and returns it as a QR code to scan.
    /// The tokens of that app are verified like all others. Blocks for the time-out or until
    /// `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn secret(
        &self,
        id: AuthyId,
        options: &QrOptions<'_>,
        deadline: Deadline,
    ) -> Result<QrCode, Error> {
        if options.qr_size == Some(0) {
            return Err(invalid("qr_size", "must be at least 1"));
        }
        let body = object([
            ("qr_size", options.qr_size.map(|size| json!(size))),
            ("label", options.label.map(|label| json!(label))),
        ]);
        let path = format!("/protected/json/users/{id}/secret");
        read_qr_code(self.0.post(&path, &body, deadline)?.about(id)?)
    }

    /// Fetches the image of a [`QrCode`] whose `qr_code` is an https URL. The API key is not sent.
    /// Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `qr_code` is not an https URL, or another [`Error`].
    pub fn qr_image(&self, code: &QrCode, deadline: Deadline) -> Result<Vec<u8>, Error> {
        if !code.qr_code.expose().starts_with("https://") {
            return Err(invalid("qr_code", "is not the URL of an image"));
        }
        let response = self.0.fetch(&code.qr_code, deadline)?;
        match response.status {
            200 => Ok(response.body),
            status => Err(unreadable(status, "no image")),
        }
    }

    /// Returns what Authy knows about `id`. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an id that Authy does not know, [`Error::Unexpected`] if the answer is
    /// about another person, or another [`Error`].
    pub fn status(&self, id: AuthyId, deadline: Deadline) -> Result<Status, Error> {
        let path = format!("/protected/json/users/{id}/status");
        let reply = self.0.get(&path, &[], deadline)?.require_success()?;
        let status = reply.object("status")?;
        if status.get("authy_id").and_then(number) != Some(id.number()) {
            return Err(about_another("person"));
        }
        Ok(read_status(id, status))
    }
}

/// Checks that an address has text on both sides of an @, and no control character or space.
fn check_email(email: &str) -> Result<(), Error> {
    let has_both_sides = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if has_both_sides && !email.contains(|c: char| c.is_control() || c == ' ') {
        Ok(())
    } else {
        Err(invalid("email", "is not an e-mail address"))
    }
}

fn read_qr_code(reply: Reply) -> Result<QrCode, Error> {
    // The documented answer may lack `success`, so only the QR code is required.
    let reply = reply.reject_failure()?;
    let code = reply.get("qr_code").and_then(Value::as_str);
    Ok(QrCode {
        qr_code: Secret::new(
            code.ok_or_else(|| unexpected("no `qr_code` in the answer"))?
                .to_owned(),
        ),
        issuer: reply.text("issuer"),
        label: reply.text("label"),
    })
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
            .map(text::sanitize),
        devices: devices
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(text::sanitize)
            .collect(),
        account_disabled: flag("account_disabled"),
        all: status.clone(),
    }
}

#[cfg(test)]
mod tests;
