use pam_authy::client::Error;
use pam_authy::client::tokens::Verify;
use pam_authy::client::types::{AuthyId, Token};
use pam_authy::client::{Client, transport::Transport};
use pam_authy::deadline::Deadline;

pub fn is_right<T: Transport>(
    client: &Client<T>,
    id: AuthyId,
    token: &Token,
    deadline: Deadline,
) -> Result<bool, Error> {
    match client.tokens().verify(id, token, &Verify::default(), deadline) {
        Ok(()) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
