//! People: create one, what Authy knows of one, delete one, and the code for another authenticator app.
//!
//! Source: Authy API, `/protected/json/users/…` and `/protected/json/registrations/status`. Older
//! services answer with fewer members, so all but the id are optional here.

use serde_json::{Map, Value, json};

use super::reply::{Reply, is_true, nonsense, number};
use super::types::{AuthyId, Cellphone, CountryCode};
use super::{Client, Error, object};
use crate::base::deadline::Deadline;
use crate::base::secret::Secret;
use crate::base::text;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

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

/// A person to create.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// The e-mail address.
    pub email: &'a str,
    /// The number within the country.
    pub cellphone: &'a Cellphone,
    /// The country's calling code.
    pub country_code: CountryCode,
    /// Whether Authy sends an SMS with a link to its app. Always said, since the service would send it
    /// when nothing is said.
    pub send_install_link: bool,
}

/// What became of a deletion.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// Authy's text.
    pub message: String,
    /// The service said HTTP 200 and denied success; it was seen to do so for people that it removed.
    pub doubtful: bool,
}

/// How the code for another authenticator app is to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Secrets<'a> {
    /// Width and height of the image, in pixels.
    pub qr_size: Option<u32>,
    /// The text that the app shows.
    pub label: Option<&'a str>,
}

/// The code for another authenticator app.
#[derive(Debug, Clone)]
pub struct QrCode {
    /// The address of an image, or an `otpauth:` URI. It holds the secret: keep it out of logs.
    pub qr_code: Secret,
    /// Who issues the tokens, where said.
    pub issuer: Option<String>,
    /// The text that the app shows, where said.
    pub label: Option<String>,
}

impl<T: Transport> Users<'_, T> {
    /// Creates a person, or finds the one with this number: the same number gets the same id. Blocks
    /// for the time-out or until `deadline`.
    ///
    #[doc = concat!("```\n", include_str!("examples/users.rs"), "```")]
    ///
    /// # Errors
    /// [`Error::Refused`] with field errors for an address or number that Authy doesn't take; otherwise
    /// as [`Error`] says.
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
            .succeeded()?;
        let id = reply.object("user")?.get("id").and_then(number);
        id.and_then(|id| id.try_into().ok())
            .ok_or_else(|| nonsense("no `user.id` in the answer"))
    }

    /// Has Authy remove `id` from the application. It takes effect some 24 hours later: take the person
    /// out of the mapping too. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an id that Authy doesn't know; otherwise as [`Error`] says.
    pub fn delete(&self, id: AuthyId, deadline: Deadline) -> Result<Deletion, Error> {
        let path = format!("/protected/json/users/{id}/remove");
        let reply = self.0.post(&path, &json!({}), deadline)?;
        Ok(Deletion {
            message: reply.text("message").unwrap_or_default(),
            doubtful: !reply.flag("success"),
        })
    }

    /// Gives `id` another e-mail address. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn update_email(&self, id: AuthyId, email: &str, deadline: Deadline) -> Result<(), Error> {
        check_email(email)?;
        let path = format!("/protected/json/users/{id}/update");
        self.0
            .post(&path, &json!({"email": email}), deadline)?
            .succeeded()
            .map(drop)
    }

    /// Gives `id` a secret for another authenticator app, as an image to scan. Tokens of that app are
    /// verified like all others. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn secret(
        &self,
        id: AuthyId,
        how: &Secrets<'_>,
        deadline: Deadline,
    ) -> Result<QrCode, Error> {
        if how.qr_size == Some(0) {
            return Err(invalid("qr_size", "is at least 1"));
        }
        let body = object([
            ("qr_size", how.qr_size.map(|size| json!(size))),
            ("label", how.label.map(|label| json!(label))),
        ]);
        let path = format!("/protected/json/users/{id}/secret");
        let reply = self.0.post(&path, &body, deadline)?;
        read_secret(reply)
    }

    /// Fetches the image of a [`QrCode`] whose `qr_code` is an https address. That address gets no API
    /// key. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another address; otherwise as [`Error`] says.
    pub fn qr_image(&self, code: &QrCode, deadline: Deadline) -> Result<Vec<u8>, Error> {
        if !code.qr_code.expose().starts_with("https://") {
            return Err(invalid("qr_code", "is no address of an image"));
        }
        let response = self.0.fetch(&code.qr_code, deadline)?;
        match response.status {
            200 => Ok(response.body),
            status => Err(nonsense(&format!("HTTP {status} for the image"))),
        }
    }

    /// Asks what Authy knows of `id`. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an id that Authy doesn't know; otherwise as [`Error`] says.
    pub fn status(&self, id: AuthyId, deadline: Deadline) -> Result<Status, Error> {
        let path = format!("/protected/json/users/{id}/status");
        let reply = self.0.get(&path, &[], deadline)?.succeeded()?;
        Ok(read_status(id, reply.object("status")?))
    }
}

/// An address has something on both sides of an @ and nothing that could end a line.
fn check_email(email: &str) -> Result<(), Error> {
    let right = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if right && !email.contains(|c: char| c.is_control() || c == ' ') {
        Ok(())
    } else {
        Err(invalid("email", "is no e-mail address"))
    }
}

fn read_secret(reply: Reply) -> Result<QrCode, Error> {
    // The documented answer need not have `success`; the address is what counts.
    let reply = reply.unless_denied()?;
    let code = reply.get("qr_code").and_then(Value::as_str);
    Ok(QrCode {
        qr_code: Secret::new(
            code.ok_or_else(|| nonsense("no `qr_code` in the answer"))?
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

    fn id() -> AuthyId {
        "1635".parse().unwrap()
    }

    fn create(answers: &[(u16, &str)], email: &str) -> (Result<AuthyId, Error>, Vec<String>) {
        let client = client(answers);
        let person = NewUser {
            email,
            cellphone: &"405-342-5699".parse().unwrap(),
            country_code: CountryCode::default(),
            send_install_link: false,
        };
        (client.users().create(&person, later()), client.asked())
    }

    #[test]
    fn a_person_is_created_and_the_install_link_is_always_decided() {
        for body in [
            r#"{"message":"User created successfully.","user":{"id":1635},"success":true}"#,
            r#"{"user":{"id":"1635"},"success":"true"}"#,
        ] {
            let (created, asked) = create(&[(200, body)], "a@b.test");
            assert_eq!(created.unwrap(), id());
            assert_eq!(
                asked,
                ["Post https://authy.test/protected/json/users/new \
                     {\"send_install_link_via_sms\":false,\"user\":{\"cellphone\":\"4053425699\",\
                     \"country_code\":1,\"email\":\"a@b.test\"}}"]
            );
        }
    }

    #[test]
    fn field_errors_are_kept_by_name() {
        let body = r#"{"message":"User was not valid","success":false,"errors":{"email":"is invalid",
            "message":"User was not valid"},"email":"is invalid","error_code":"60027"}"#;
        let (created, _) = create(&[(400, body)], "a@b.test");
        let Err(Error::Refused(refusal)) = created else {
            unreachable!()
        };
        assert_eq!(refusal.code, Some(60027));
        assert_eq!(refusal.fields["email"], "is invalid");
    }

    #[test]
    fn an_address_that_is_none_and_an_answer_without_id_create_nobody() {
        for email in ["", "a", "@", "a@", "@b", "a@b\nc"] {
            let (created, asked) = create(&[], email);
            assert_eq!(
                created.unwrap_err().to_string(),
                "email: is no e-mail address"
            );
            assert!(asked.is_empty());
        }
        for body in [
            r#"{"success":true}"#,
            r#"{"user":{},"success":true}"#,
            r#"{"user":{"id":0},"success":true}"#,
            r#"{"user":{"id":"../1"},"success":true}"#,
        ] {
            let (created, _) = create(&[(200, body)], "a@b.test");
            assert!(created.unwrap_err().is_unavailable(), "{body}");
        }
    }

    #[test]
    fn a_deletion_that_denies_success_is_done_and_doubtful() {
        let client = client(&[
            (
                200,
                r#"{"message":"User was added to remove.","success":true}"#,
            ),
            (
                200,
                r#"{"message":"User removed from application","success":false}"#,
            ),
        ]);
        assert!(!client.users().delete(id(), later()).unwrap().doubtful);
        assert!(client.users().delete(id(), later()).unwrap().doubtful);
        assert_eq!(
            client.asked()[0],
            "Post https://authy.test/protected/json/users/1635/remove {}"
        );
    }

    #[test]
    fn a_qr_code_is_asked_for_with_size_and_label_and_never_printed() {
        let client = client(&[
            (
                200,
                r#"{"qr_code":"https://x.test/qr?secret=ABC","label":"l","issuer":"i"}"#,
            ),
            (200, r#"{"success":true}"#),
        ]);
        let how = Secrets {
            qr_size: Some(300),
            label: Some("alice"),
        };
        let code = client.users().secret(id(), &how, later()).unwrap();
        assert!(!format!("{code:?}").contains("ABC"));
        assert_eq!(
            client.asked(),
            ["Post https://authy.test/protected/json/users/1635/secret \
                 {\"label\":\"alice\",\"qr_size\":300}"]
        );
        assert!(
            client
                .users()
                .secret(id(), &Secrets::default(), later())
                .is_err()
        );
    }
}
