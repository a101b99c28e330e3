//! `status`: what Authy knows about a person, or this host about one who is at no provider. Also
//! creates and deletes the person for `enroll` and `unenroll`.

use pam_authy::base::factor::Person;
use pam_authy::client::authy::phones::Phone;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::users::NewUser;
use pam_authy::store::config::Config;
use pam_authy::store::users::Entry;
use serde_json::{Value, json};

use super::{authy_id, client, entry, security_key, totp, twilio};
use crate::cli::{EnrollArgs, Global, PersonArg};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name, table};
use crate::phone_number;

pub(crate) fn status(global: &Global, args: &PersonArg) -> Result<Output, CommandError> {
    let mut output = status_of_person(global, args)?;
    if let Some(user) = &args.user
        && let Some((line, members)) = totp::at_prompt::describe(global, user)?
    {
        output.lines.push(line);
        output.members.insert("enrolled".to_owned(), members);
    }
    Ok(output)
}

fn status_of_person(global: &Global, args: &PersonArg) -> Result<Output, CommandError> {
    if let Some(user) = &args.user
        && let Entry::Enrolled(person) = entry(global, user)?
        && is_on_host(global, user, &person)?
    {
        return status_on_host(global, user, &person);
    }
    if let Some((user, person)) = twilio::asked_about(global, args)? {
        return twilio::status(global, user, &person);
    }
    let id = authy_id(global, args)?;
    let (client, deadline) = client(global)?;
    let status = client.users().status(id, deadline)?;
    let yes_or_no = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("authy id", id.to_string()),
        row("confirmed", yes_or_no(status.confirmed)),
        row("app registered", yes_or_no(status.registered)),
        row(
            "country code",
            status
                .country_code
                .map_or("?".into(), |code| code.to_string()),
        ),
        row(
            "cellphone",
            status.phone_number.clone().unwrap_or_else(|| "?".into()),
        ),
        row("devices", status.devices.join(", ")),
    ];
    if status.account_disabled {
        rows.push(row("disabled", yes_or_no(true)));
    }
    let person = match &args.user {
        Some(user) => twilio::person_of(global, user)?,
        None => None,
    };
    let mut members = Value::Object(status.all);
    members["authy_id"] = json!(id.number());
    members["confirmed"] = json!(status.confirmed);
    members["registered"] = json!(status.registered);
    members["country_code"] = json!(status.country_code);
    members["phone_number"] = json!(status.phone_number);
    members["devices"] = json!(status.devices);
    if let Some(person) = person {
        let factors = person.factor_names();
        rows.push(row("factors", factors.join(" ")));
        members["factors"] = json!(factors);
        security_key::show(&person, &mut rows, &mut members);
    }
    Ok(Output::new(table(&rows), members))
}

/// Whether a person is at no provider, or has a factor on this host and is at none that config.toml
/// has.
fn is_on_host(global: &Global, user: &str, person: &Person) -> Result<bool, CommandError> {
    let at_twilio = person.phone.is_some() || person.twilio_factor.is_some();
    if person.authy_id.is_none() && !at_twilio {
        return Ok(true);
    }
    let has_app = person.totp.is_some() || totp::at_prompt::describe(global, user)?.is_some();
    let has_factor = has_app || !person.security_keys.is_empty();
    Ok(has_factor
        && Config::load(&global.config).is_ok_and(|config| {
            let at_authy = person.authy_id.is_some() && config.authy.is_some();
            !(at_authy || at_twilio && config.twilio.is_some())
        }))
}

/// What this host knows about a person who is at no provider.
fn status_on_host(global: &Global, user: &str, person: &Person) -> Result<Output, CommandError> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let factors = person.factor_names();
    let mut rows = vec![
        row("user", shown_name(user)),
        row("factors", factors.join(" ")),
    ];
    let mut members = json!({"user": user, "factors": factors});
    if person.totp.is_some() {
        let app = totp::app_of(global, user)?.app;
        rows.extend([
            row("digits", app.digits().to_string()),
            row("period", format!("{} s", app.period())),
            row("algorithm", app.algorithm().to_string()),
        ]);
        members["digits"] = json!(app.digits());
        members["period"] = json!(app.period());
        members["algorithm"] = json!(app.algorithm().as_str());
    }
    security_key::show(person, &mut rows, &mut members);
    Ok(Output::new(table(&rows), members))
}

/// The person of `enroll --email … --cellphone …`, who is not created yet.
pub(super) struct NewPerson<'a> {
    email: &'a str,
    phone: Phone,
    install_link: bool,
}

impl<'a> NewPerson<'a> {
    /// Checks the arguments.
    ///
    /// # Errors
    /// One is missing, or the number is not valid.
    pub(super) fn of(args: &'a EnrollArgs) -> Result<Self, CommandError> {
        let (Some(email), Some(cellphone)) = (&args.email, &args.number.cellphone) else {
            return Err(CommandError::new(
                ErrorKind::Usage,
                "--authy-id, or --email and --cellphone are required",
            ));
        };
        Ok(Self {
            email,
            phone: phone_number::parse(cellphone, args.number.country_code)?,
            install_link: args.install_link,
        })
    }

    /// Has Authy create the person, or find the one with this number.
    pub(super) fn create(&self, global: &Global) -> Result<AuthyId, CommandError> {
        let (client, deadline) = client(global)?;
        let person = NewUser::new(self.email, &self.phone.cellphone, self.phone.country_code)
            .send_install_link(self.install_link);
        Ok(client.users().create(&person, deadline)?)
    }
}

/// Has Authy remove the person; returns a warning where the answer is doubtful, or Authy has no
/// such person (the mapping can be removed then, too).
pub(super) fn delete(global: &Global, user: &str) -> Result<Option<String>, CommandError> {
    let person = PersonArg {
        user: Some(user.to_owned()),
        authy_id: None,
    };
    let id = authy_id(global, &person)?;
    let (client, deadline) = client(global)?;
    match client.users().delete(id, deadline) {
        Ok(deletion) if deletion.doubtful => Ok(Some(format!(
            "Authy answered `{}`, and reported a failure",
            deletion.message
        ))),
        Ok(_) => Ok(None),
        Err(pam_authy::client::authy::Error::NotFound(_)) => {
            Ok(Some(format!("Authy has no person {id}")))
        }
        Err(error) => Err(error.into()),
    }
}
