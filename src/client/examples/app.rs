use pam_authy::client::{Client, Error, transport::Transport};
use pam_authy::deadline::Deadline;

pub fn name<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<String, Error> {
    let app = client.app().details(deadline)?;
    Ok(app["name"].as_str().unwrap_or("?").to_owned())
}
