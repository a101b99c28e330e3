use std::error::Error;

use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::Client;
use pam_authy::client::authy::types::{AuthyId, Cellphone};
use pam_authy::client::authy::users::NewUser;
use pam_authy::client::http::Transport;

pub fn create<T: Transport>(
    client: &Client<T>,
    deadline: Deadline,
) -> Result<AuthyId, Box<dyn Error>> {
    let cellphone: Cellphone = "405-342-5699".parse()?;
    let person = NewUser::new("alice@example.com", &cellphone, "1".parse()?);
    Ok(client.users().create(&person, deadline)?)
}
