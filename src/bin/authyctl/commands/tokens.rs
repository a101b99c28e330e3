//! `verify`, `sms`, `call`: tokens.

use pam_authy::client::authy::tokens::{Delivery, SendOptions, VerifyOptions};
use serde_json::json;

use super::{client, person};
use crate::cli::{Global, PersonArg, Sending};
use crate::error::CommandError;
use crate::output::{Output, read_once};

pub(crate) fn verify(
    global: &Global,
    who: &PersonArg,
    token: Option<&str>,
    force: bool,
    action: Option<&str>,
) -> Result<Output, CommandError> {
    // With --authy-id the one word that is left is the token.
    let token = match (who.authy_id, &who.user, token) {
        (Some(_), Some(word), None) => Some(word.as_str()),
        (_, _, token) => token,
    };
    let token = read_once("Authy token: ", token)?;
    let id = person(global, who)?;
    let (client, deadline) = client(global)?;
    client
        .tokens()
        .verify(id, &token, &VerifyOptions { force, action }, deadline)?;
    Ok(Output::new(
        vec!["the token is valid".into()],
        json!({"token": "is valid", "authy_id": id.number()}),
    ))
}

pub(crate) fn sms(global: &Global, who: &PersonArg, how: &Sending) -> Result<Output, CommandError> {
    let id = person(global, who)?;
    let (client, deadline) = client(global)?;
    let delivery = client.tokens().sms(id, &sending(how), deadline)?;
    Ok(delivered(
        &delivery,
        "no SMS was sent, since the person has the app; --force sends one",
        "an SMS with a token was sent to",
    ))
}

pub(crate) fn call(
    global: &Global,
    who: &PersonArg,
    how: &Sending,
) -> Result<Output, CommandError> {
    let id = person(global, who)?;
    let (client, deadline) = client(global)?;
    let delivery = client.tokens().call(id, &sending(how), deadline)?;
    Ok(delivered(
        &delivery,
        "nobody was called, since the person has the app; --force calls",
        "a call that says a token goes to",
    ))
}

fn sending(how: &Sending) -> SendOptions<'_> {
    SendOptions {
        force: how.force,
        action: how.action.as_deref(),
        action_message: how.action_message.as_deref(),
        locale: how.locale.as_deref(),
    }
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
