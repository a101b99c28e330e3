use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::Client;
use pam_authy::client::authy::Error;
use pam_authy::client::authy::tokens::VerifyOptions;
use pam_authy::client::authy::types::{AuthyId, Token};
use pam_authy::client::http::Transport;

pub fn is_valid<T: Transport>(
    client: &Client<T>,
    id: AuthyId,
    token: &Token,
    deadline: Deadline,
) -> Result<bool, Error> {
    match client
        .tokens()
        .verify(id, token, &VerifyOptions::default(), deadline)
    {
        Ok(()) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
