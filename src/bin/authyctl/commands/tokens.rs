//! `verify`, `sms`: tokens.

use std::io::{self, BufRead, IsTerminal, Write};

use pam_authy::client::tokens::{Send, Verify};
use pam_authy::client::types::Token;
use pam_authy::secret::Secret;
use serde_json::json;

use super::{client, person};
use crate::cli::{Global, Who};
use crate::failure::{Failure, Kind};
use crate::output::Done;

pub(crate) fn verify(
    global: &Global,
    who: &Who,
    token: Option<&str>,
    force: bool,
) -> Result<Done, Failure> {
    // With --authy-id the one word that is left is the token.
    let token = match (who.authy_id, &who.user, token) {
        (Some(_), Some(word), None) => Some(word.as_str()),
        (_, _, token) => token,
    };
    let token = read_token(token)?;
    let id = person(global, who)?;
    let (client, deadline) = client(global)?;
    client.tokens().verify(
        id,
        &token,
        &Verify {
            force,
            action: None,
        },
        deadline,
    )?;
    Ok(Done::new(
        vec!["the token is valid".into()],
        json!({"token": "is valid", "authy_id": id.number()}),
    ))
}

pub(crate) fn sms(global: &Global, who: &Who, force: bool) -> Result<Done, Failure> {
    let id = person(global, who)?;
    let (client, deadline) = client(global)?;
    let delivery = client.tokens().sms(
        id,
        &Send {
            force,
            ..Send::default()
        },
        deadline,
    )?;
    let cellphone = delivery
        .cellphone
        .clone()
        .unwrap_or_else(|| "the phone".into());
    let line = if delivery.ignored {
        "no SMS was sent, since the person has the app; --force sends one".to_owned()
    } else {
        format!("an SMS with a token was sent to {cellphone}")
    };
    let members = json!({
        "ignored": delivery.ignored,
        "cellphone": delivery.cellphone,
        "device": delivery.device,
        "message": delivery.message,
    });
    Ok(Done::new(vec![line], members))
}

/// The token of the command line, or one line of the prompt or standard input.
fn read_token(given: Option<&str>) -> Result<Token, Failure> {
    let line = match given {
        Some(token) if token != "-" => Secret::new(token.to_owned()),
        _ => {
            if io::stdin().is_terminal() {
                eprint!("Authy token: ");
                let _ = io::stderr().flush();
            }
            let mut line = String::new();
            io::stdin()
                .lock()
                .read_line(&mut line)
                .map_err(|error| Failure::new(Kind::Local, format!("standard input: {error}")))?;
            Secret::new(line)
        }
    };
    let digits = line.expose().trim_end_matches(['\r', '\n']);
    digits
        .parse()
        .map_err(|error: pam_authy::client::types::InvalidToken| {
            Failure::new(Kind::Usage, error.to_string())
        })
}
