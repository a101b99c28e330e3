//! `verify`, `sms`, `call`, `email`: checks a token at Authy, and has Authy send one; for people at
//! Twilio see `twilio`.

use pam_authy::base::factor::Channel;
use pam_authy::client::authy::tokens::{Delivery, SendOptions, VerifyOptions};
use serde_json::json;

use super::{authy_id, client, twilio};
use crate::cli::{Global, PersonArg, SendArgs, VerifyArgs};
use crate::error::CommandError;
use crate::output::{Output, argument_or_prompt};

pub(crate) fn verify(global: &Global, args: &VerifyArgs) -> Result<Output, CommandError> {
    // With --authy-id, the only positional argument is the token, and clap calls it USER.
    let token = match (args.person.authy_id, &args.person.user, &args.token) {
        (Some(_), Some(word), None) => Some(word.as_str()),
        (_, _, token) => token.as_deref(),
    };
    if let Some((user, person)) = twilio::asked_about(global, &args.person)? {
        let code = argument_or_prompt("Verification code: ", token)?;
        return twilio::verify(global, user, &person, &code);
    }
    let token = argument_or_prompt("Verification code: ", token)?;
    let id = authy_id(global, &args.person)?;
    let (client, deadline) = client(global)?;
    let options = VerifyOptions::default()
        .force(!args.no_force)
        .action(args.action.as_deref());
    client.tokens().verify(id, &token, &options, deadline)?;
    Ok(Output::new(
        vec!["the token is valid".into()],
        json!({"token": "is valid", "authy_id": id.number()}),
    ))
}

pub(crate) fn sms(global: &Global, args: &SendArgs) -> Result<Output, CommandError> {
    if let Some((user, person)) = twilio::asked_about(global, &args.person)? {
        return twilio::send(global, user, &person, Channel::Sms, args);
    }
    let id = authy_id(global, &args.person)?;
    let (client, deadline) = client(global)?;
    let delivery = client.tokens().sms(id, &options(args), deadline)?;
    Ok(delivered(
        &delivery,
        "no SMS was sent, since the person has the app; --force sends one",
        "an SMS with a token was sent to",
    ))
}

pub(crate) fn call(global: &Global, args: &SendArgs) -> Result<Output, CommandError> {
    if let Some((user, person)) = twilio::asked_about(global, &args.person)? {
        return twilio::send(global, user, &person, Channel::Call, args);
    }
    let id = authy_id(global, &args.person)?;
    let (client, deadline) = client(global)?;
    let delivery = client.tokens().call(id, &options(args), deadline)?;
    Ok(delivered(
        &delivery,
        "no call was made, since the person has the app; --force makes one",
        "a call with a token is made to",
    ))
}

pub(crate) fn email(global: &Global, args: &PersonArg) -> Result<Output, CommandError> {
    let id = authy_id(global, args)?;
    let (client, deadline) = client(global)?;
    let email = client.tokens().email(id, deadline)?;
    let address = email.as_deref().unwrap_or("the person's address");
    Ok(Output::new(
        vec![format!("an e-mail with a token was sent to {address}")],
        json!({"authy_id": id.number(), "email": email}),
    ))
}

fn options(args: &SendArgs) -> SendOptions<'_> {
    SendOptions::default()
        .force(args.force)
        .action(args.action.as_deref())
        .action_message(args.action_message.as_deref())
        .locale(args.locale.as_deref())
}

fn delivered(delivery: &Delivery, ignored: &str, sent: &str) -> Output {
    let cellphone = delivery.cellphone.as_deref().unwrap_or("the phone");
    let line = if delivery.ignored {
        ignored.to_owned()
    } else {
        format!("{sent} {cellphone}")
    };
    let members = json!({
        "ignored": delivery.ignored,
        "cellphone": delivery.cellphone,
        "device": delivery.device,
        "message": delivery.message,
    });
    Output::new(vec![line], members)
}
