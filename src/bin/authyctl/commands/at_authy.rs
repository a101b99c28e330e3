//! `person …`: changes what Authy has about a person, reports what happened to them, and takes their
//! number along to another service.

use std::collections::BTreeMap;

use pam_authy::base::secret::Secret;
use pam_authy::base::text;
use pam_authy::client::authy::activity::Activity;
use pam_authy::client::authy::types::AuthyId;
use serde_json::json;

use super::{authy_id, client};
use crate::cli::{
    ActivityArgs, ActivityKind, DeleteDeviceArgs, Global, PersonArg, PersonCommand,
    RegistrationArgs, UpdateArgs,
};
use crate::error::CommandError;
use crate::output::{Output, table};

pub(crate) fn person(global: &Global, command: &PersonCommand) -> Result<Output, CommandError> {
    match command {
        PersonCommand::Update(args) => update(global, args),
        PersonCommand::Activity(args) => activity(global, args),
        PersonCommand::Number(args) => number(global, args),
        PersonCommand::Registration(args) => registration(global, args),
        PersonCommand::DeleteDevice(args) => delete_device(global, args),
    }
}

fn update(global: &Global, args: &UpdateArgs) -> Result<Output, CommandError> {
    let id = authy_id(global, &args.person)?;
    let (client, deadline) = client(global)?;
    client.users().update_email(id, &args.email, deadline)?;
    Ok(Output::new(
        vec![format!(
            "the e-mail address is {}",
            text::sanitize(&args.email)
        )],
        json!({"authy_id": id.number(), "email": args.email}),
    ))
}

fn activity(global: &Global, args: &ActivityArgs) -> Result<Output, CommandError> {
    let id = authy_id(global, &args.person)?;
    let kind = match args.kind {
        ActivityKind::PasswordReset => Activity::PasswordReset,
        ActivityKind::Banned => Activity::Banned,
        ActivityKind::Unbanned => Activity::Unbanned,
        ActivityKind::CookieLogin => Activity::CookieLogin,
    };
    let data: BTreeMap<_, _> = args.data.iter().cloned().collect();
    let (client, deadline) = client(global)?;
    let ip = args.ip.to_string();
    client
        .users()
        .register_activity(id, kind, &ip, &data, deadline)?;
    Ok(Output::new(
        vec!["Authy has noted it".to_owned()],
        json!({"authy_id": id.number(), "type": kind.as_str()}),
    ))
}

/// The number is shown whole, since it is asked for to be entered elsewhere.
fn number(global: &Global, args: &PersonArg) -> Result<Output, CommandError> {
    let id = authy_id(global, args)?;
    let (client, deadline) = client(global)?;
    let found = client.users().phone_number(id, deadline)?;
    let e164 = found.e164.as_ref().map(Secret::expose);
    let line = match (e164, found.country_code) {
        (Some(e164), _) => e164.to_owned(),
        (None, Some(code)) => format!("+{code} {}", found.phone_number.expose()),
        (None, None) => found.phone_number.expose().to_owned(),
    };
    let members = json!({
        "authy_id": id.number(),
        "country_code": found.country_code,
        "phone_number": found.phone_number.expose(),
        "e164": e164,
    });
    Ok(Output::new(vec![line], members))
}

fn registration(global: &Global, args: &RegistrationArgs) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    let found = client
        .users()
        .registration(&args.custom_user_id, deadline)?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![row("status", found.status.clone())];
    rows.extend(found.authy_id.map(|id| row("authy id", id.to_string())));
    let members = json!({
        "status": found.status,
        "authy_id": found.authy_id.map(AuthyId::number),
    });
    Ok(Output::new(table(&rows), members))
}

fn delete_device(global: &Global, args: &DeleteDeviceArgs) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    client.devices().delete(args.device_id, deadline)?;
    Ok(Output::new(
        vec![format!("device {} is deleted", args.device_id)],
        json!({"device_id": args.device_id}),
    ))
}
