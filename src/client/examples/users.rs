use pam_authy::client::types::AuthyId;
use pam_authy::client::users::NewUser;
use pam_authy::client::{Client, Error, transport::Transport};
use pam_authy::deadline::Deadline;

pub fn create<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<AuthyId, Error> {
    let person = NewUser {
        email: "alice@example.com",
        cellphone: &"405-342-5699".parse().expect("a number"),
        country_code: "1".parse().expect("a calling code"),
        send_install_link: false,
    };
    client.users().create(&person, deadline)
}
