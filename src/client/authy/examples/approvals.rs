use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::approvals::{Decision, Request};
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;

pub fn ask<T: Transport>(
    client: &Client<T>,
    id: AuthyId,
    deadline: Deadline,
) -> Result<bool, Error> {
    let request = Request::new("Log in to server1?").seconds_to_expire(40);
    let uuid = client.approvals().create(id, &request, deadline)?;
    let status = client.approvals().wait(id, &uuid, deadline, &mut |_| {})?;
    Ok(status.decision == Decision::Approved)
}
