use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;

pub fn name<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<String, Error> {
    let app = client.app().details(deadline)?;
    let name = app.get("name").and_then(|name| name.as_str());
    Ok(name.unwrap_or("?").to_owned())
}
