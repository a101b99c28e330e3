//! `phone`: verifies numbers of people who need no authy id, and looks numbers up.

use pam_authy::base::text::mask_numbers;
use pam_authy::client::authy::phones::{self, Phone};
use serde_json::json;

use super::{client, twilio};
use crate::cli::{Global, Number, PhoneCheckArgs, PhoneCommand, PhoneStartArgs, Via};
use crate::error::CommandError;
use crate::output::{Output, argument_or_prompt, shown_name, table};
use crate::phone_number;

pub(crate) fn phone(global: &Global, command: &PhoneCommand) -> Result<Output, CommandError> {
    match command {
        PhoneCommand::Start(args) => start(global, args),
        PhoneCommand::Check(args) => check(global, args),
        PhoneCommand::Status(number) => status(global, number),
        PhoneCommand::Info(number) => info(global, number),
    }
}

fn start(global: &Global, args: &PhoneStartArgs) -> Result<Output, CommandError> {
    let phone = parse(&args.number)?;
    let via = match args.via {
        Via::Sms => phones::Via::Sms,
        Via::Call => phones::Via::Call,
    };
    let options = phones::StartOptions::default()
        .via(via)
        .locale(args.locale.as_deref())
        .code_length(args.code_length);
    let (client, deadline) = client(global)?;
    let started = client.phones().start(&phone, &options, deadline)?;
    let message = mask_numbers(&started.message);
    let typed = shown_name(&args.number.cellphone);
    let mut lines = vec![match args.via {
        Via::Sms => format!("an SMS with a code was sent to {typed}"),
        Via::Call => format!("a call with a code is made to {typed}"),
    }];
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

fn check(global: &Global, args: &PhoneCheckArgs) -> Result<Output, CommandError> {
    let phone = phone_number::parse(&args.cellphone, args.country_code)?;
    let code = argument_or_prompt("Code: ", args.code.as_deref())?;
    let (client, deadline) = client(global)?;
    client.phones().check(&phone, &code, deadline)?;
    let message = "the code is correct";
    Ok(Output::new(
        vec![message.to_owned()],
        json!({"message": message}),
    ))
}

fn status(global: &Global, number: &Number) -> Result<Output, CommandError> {
    let phone = parse(number)?;
    let (client, deadline) = client(global)?;
    let progress = client.phones().status(&phone, deadline)?;
    let members = json!({
        "status": progress.status,
        "seconds_to_expire": progress.seconds_to_expire,
    });
    Ok(Output::new(vec![progress.status], members))
}

fn info(global: &Global, number: &Number) -> Result<Output, CommandError> {
    if twilio::is_preferred(global) {
        return twilio::phone_info(global, number);
    }
    let phone = parse(number)?;
    let (client, deadline) = client(global)?;
    let info = client.phones().info(&phone, deadline)?;
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

fn parse(number: &Number) -> Result<Phone, CommandError> {
    phone_number::parse(&number.cellphone, number.country_code)
}
