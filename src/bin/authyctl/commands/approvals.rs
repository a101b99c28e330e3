//! `push`, `approval`: asks a phone to approve something, and shows the answer.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::approvals::{Decision, Request};
use pam_authy::client::authy::types::{AuthyId, Uuid};
use serde_json::{Value, json};

use super::{authy_id, client};
use crate::cli::{ApprovalArgs, Global, PushArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

pub(crate) fn push(global: &Global, args: &PushArgs) -> Result<Output, CommandError> {
    let id = authy_id(global, &args.person)?;
    let (client, deadline) = client(global)?;
    let request = Request::new(&args.message)
        .details(&args.details)
        .hidden_details(&args.hidden_details)
        .seconds_to_expire(args.expires);
    let uuid = client.approvals().create(id, &request, deadline)?;
    if args.no_wait {
        return Ok(Output::new(
            vec![format!("the request {uuid} is on its way to the phone")],
            members(&uuid, Decision::Pending, Some(id)),
        ));
    }
    let end = Deadline::after(Instant::now(), Duration::from_secs(args.expires.into()));
    let shows_countdown = !global.json && !global.quiet && io::stderr().is_terminal();
    let status = client.approvals().wait(id, &uuid, end, &mut |left| {
        if shows_countdown {
            eprint!("\rwaiting for the phone: {} s ", left.as_secs());
            let _ = io::stderr().flush();
        }
    });
    if shows_countdown {
        eprint!("\r                               \r");
    }
    // A request without an answer at its end has expired, even when Authy still calls it pending.
    let decision = match status?.decision {
        Decision::Pending => Decision::Expired,
        decision => decision,
    };
    conclude(&uuid, decision, id)
}

fn conclude(uuid: &Uuid, decision: Decision, id: AuthyId) -> Result<Output, CommandError> {
    let members = members(uuid, decision, Some(id));
    if decision == Decision::Approved {
        return Ok(Output::new(vec!["approved".to_owned()], members));
    }
    let why = match decision {
        Decision::Denied => "denied on the phone",
        _ => "the request was not answered in time",
    };
    Err(CommandError::new(ErrorKind::Refused, why).with_members(members))
}

pub(crate) fn approval(global: &Global, args: &ApprovalArgs) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    let status = client.approvals().find(&args.uuid, deadline)?;
    Ok(Output::new(
        vec![status.decision.as_str().to_owned()],
        members(&args.uuid, status.decision, status.authy_id),
    ))
}

fn members(uuid: &Uuid, decision: Decision, id: Option<AuthyId>) -> Value {
    json!({
        "uuid": uuid.to_string(),
        "status": decision.as_str(),
        "authy_id": id.map(AuthyId::number),
    })
}
