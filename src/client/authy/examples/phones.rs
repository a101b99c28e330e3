use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::phones::{Code, Phone, StartOptions};
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;

pub fn send<T: Transport>(
    client: &Client<T>,
    phone: &Phone,
    deadline: Deadline,
) -> Result<(), Error> {
    let options = StartOptions::default().code_length(6);
    client.phones().start(phone, &options, deadline)?;
    Ok(())
}

pub fn is_right<T: Transport>(
    client: &Client<T>,
    phone: &Phone,
    code: &Code,
    deadline: Deadline,
) -> Result<bool, Error> {
    match client.phones().check(phone, code, deadline) {
        Ok(()) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
