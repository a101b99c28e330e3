//! Creates, reads, changes and deletes people at Authy, and gets their secret for another
//! authenticator app.
//!
//! Source: Authy API, `/protected/json/users/…`. Older services answer with fewer members, so all
//! but the id are optional here. More calls about people are in `activity`.

use serde_json::{Map, Value, json};

use super::reply::{Reply, is_true, malformed, number, unexpected};
use super::types::{AuthyId, Cellphone, CountryCode};
use super::{Client, Error, object};
use crate::base::deadline::Deadline;
use crate::base::secret::Secret;
use crate::base::text;
use crate::client::authy::error::invalid;
use crate::client::http::Transport;

/// Calls about people; created by [`Client::users`].
#[derive(Debug)]
pub struct Users<'a, T>(pub(super) &'a Client<T>);

/// What Authy knows about a person.
#[derive(Debug, Clone)]
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

/// The answer to a deletion.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// Authy's text.
    pub message: String,
    /// Whether the service answered HTTP 200 without success. It has done so for people whom it had
    /// removed.
    pub doubtful: bool,
}

/// The options of a QR code for another authenticator app.
#[derive(Debug, Clone, Copy, Default)]
pub struct QrOptions<'a> {
    /// The width and height of the image, in pixels.
    pub qr_size: Option<u32>,
    /// The text that the app shows.
    pub label: Option<&'a str>,
}

/// The QR code for another authenticator app.
#[derive(Debug, Clone)]
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
    #[doc = concat!("```\n", include_str!("examples/users.rs"), "```")]
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
        let reply = self.0.post(&path, &json!({}), deadline)?;
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
        let reply = self.0.post(&path, &body, deadline)?;
        read_qr_code(reply)
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
            status => Err(malformed(&format!("HTTP {status} for the image"))),
        }
    }

    /// Returns what Authy knows about `id`. Blocks for the time-out or until `deadline`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an id that Authy does not know, or another [`Error`].
    pub fn status(&self, id: AuthyId, deadline: Deadline) -> Result<Status, Error> {
        let path = format!("/protected/json/users/{id}/status");
        let reply = self.0.get(&path, &[], deadline)?.require_success()?;
        Ok(read_status(id, reply.object("status")?))
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
mod tests {
    use super::super::scripted::{client, later};
    use super::*;

    #[test]
    fn sparse_and_modern_status_answers_are_read() {
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
    fn a_person_is_created_and_the_install_link_is_always_set() {
        let expected = "Post https://authy.test/protected/json/users/new \
             {\"send_install_link_via_sms\":false,\"user\":{\"cellphone\":\"4053425699\",\
             \"country_code\":1,\"email\":\"a@b.test\"}}";
        let mut failed = vec![
            r#"{"message":"User created successfully.","user":{"id":1635},"success":true}"#,
            r#"{"user":{"id":"1635"},"success":"true"}"#,
        ];
        failed.retain(|body| {
            let (created, asked) = create(&[(200, body)], "a@b.test");
            created.ok() != Some(id()) || asked != [expected]
        });
        assert!(failed.is_empty(), "{failed:#?}");
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
    fn an_invalid_e_mail_address_is_not_sent() {
        let mut failed = vec!["", "a", "@", "a@", "@b", "a@b\nc"];
        failed.retain(|email| {
            let (created, asked) = create(&[], email);
            let error = created.map_err(|error| error.to_string());
            error != Err("email: is not an e-mail address".to_owned()) || !asked.is_empty()
        });
        assert!(failed.is_empty(), "{failed:?}");
    }

    #[test]
    fn an_answer_without_a_valid_id_is_unexpected() {
        let mut failed = vec![
            r#"{"success":true}"#,
            r#"{"user":{},"success":true}"#,
            r#"{"user":{"id":0},"success":true}"#,
            r#"{"user":{"id":"../1"},"success":true}"#,
        ];
        failed.retain(|body| {
            let (created, _) = create(&[(200, body)], "a@b.test");
            !matches!(created, Err(Error::Unexpected(_)))
        });
        assert!(failed.is_empty(), "{failed:#?}");
    }

    #[test]
    fn a_deletion_without_success_is_doubtful() {
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
    fn a_qr_code_is_requested_with_size_and_label_and_not_printed() {
        let client = client(&[
            (
                200,
                r#"{"qr_code":"https://x.test/qr?secret=ABC","label":"l","issuer":"i"}"#,
            ),
            (200, r#"{"success":true}"#),
        ]);
        let options = QrOptions {
            qr_size: Some(300),
            label: Some("alice"),
        };
        let code = client.users().secret(id(), &options, later()).unwrap();
        assert!(!format!("{code:?}").contains("ABC"));
        assert_eq!(
            client.asked(),
            ["Post https://authy.test/protected/json/users/1635/secret \
                 {\"label\":\"alice\",\"qr_size\":300}"]
        );
        assert!(
            client
                .users()
                .secret(id(), &QrOptions::default(), later())
                .is_err()
        );
    }
}
