use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::authy::users::NewUser;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;

pub fn create<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<AuthyId, Error> {
    let person = NewUser {
        email: "alice@example.com",
        cellphone: &"405-342-5699".parse().expect("a number"),
        country_code: "1".parse().expect("a calling code"),
        send_install_link: false,
    };
    client.users().create(&person, deadline)
}
