//! `phone`: verify numbers of people who need no authy id, and learn about them.

use pam_authy::client::authy::phones;
use serde_json::json;

use super::client;
use crate::cli::{Global, Phone, Via};
use crate::error::CommandError;
use crate::number;
use crate::output::{Output, masked, read_once, table};

pub(crate) fn phone(global: &Global, what: &Phone) -> Result<Output, CommandError> {
    // The service's texts hold the number.
    carry_out(global, what).map_err(|mut error| {
        error.message = masked(&error.message);
        error
    })
}

fn carry_out(global: &Global, what: &Phone) -> Result<Output, CommandError> {
    match what {
        Phone::Start {
            number,
            via,
            locale,
            code_length,
        } => {
            let phone = number::parse(&number.cellphone, number.country_code)?;
            let how = phones::StartOptions {
                via: match via {
                    Via::Sms => phones::Via::Sms,
                    Via::Call => phones::Via::Call,
                },
                locale: locale.as_deref(),
                code_length: *code_length,
                ..phones::StartOptions::default()
            };
            start(global, &phone, &how)
        }
        Phone::Check {
            cellphone,
            code,
            country_code,
        } => {
            let phone = number::parse(cellphone, *country_code)?;
            let code = read_once("Code: ", code.as_deref())?;
            let (client, deadline) = client(global)?;
            client.phones().check(&phone, &code, deadline)?;
            let message = "the code is correct";
            Ok(Output::new(
                vec![message.to_owned()],
                json!({"message": message}),
            ))
        }
        Phone::Status { number } => {
            let phone = number::parse(&number.cellphone, number.country_code)?;
            let (client, deadline) = client(global)?;
            let progress = client.phones().status(&phone, deadline)?;
            let members = json!({
                "status": progress.status,
                "seconds_to_expire": progress.seconds_to_expire,
            });
            Ok(Output::new(vec![progress.status], members))
        }
        Phone::Info { number } => {
            let phone = number::parse(&number.cellphone, number.country_code)?;
            info(global, &phone)
        }
    }
}

fn start(
    global: &Global,
    phone: &phones::Phone,
    how: &phones::StartOptions<'_>,
) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    let started = client.phones().start(phone, how, deadline)?;
    let message = masked(&started.message);
    let mut lines = vec![message.clone()];
    lines.extend(
        started
            .seconds_to_expire
            .map(|seconds| format!("the code works for {seconds} seconds")),
    );
    let members = json!({
        "uuid": started.uuid,
        "carrier": started.carrier,
        "is_cellphone": started.is_cellphone,
        "seconds_to_expire": started.seconds_to_expire,
        "message": message,
    });
    Ok(Output::new(lines, members))
}

fn info(global: &Global, phone: &phones::Phone) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    let info = client.phones().info(phone, deadline)?;
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let ported = match info.ported {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    };
    let rows = [
        ("type", or_unknown(&info.kind)),
        ("provider", or_unknown(&info.provider)),
        ("ported", ported.to_owned()),
    ]
    .map(|(name, value)| vec![name.to_owned(), value]);
    let members = json!({
        "type": info.kind,
        "provider": info.provider,
        "ported": info.ported,
        "message": info.message,
    });
    Ok(Output::new(table(&rows), members))
}
