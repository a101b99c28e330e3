use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;

pub fn delete<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<bool, Error> {
    match client.devices().delete(77, deadline) {
        Ok(()) => Ok(true),
        Err(Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
