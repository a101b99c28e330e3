use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;
use pam_authy::base::deadline::Deadline;

pub fn forget<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<bool, Error> {
    match client.devices().delete(77, deadline) {
        Ok(()) => Ok(true),
        Err(Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
