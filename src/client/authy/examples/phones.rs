use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::phones::{Phone, StartOptions};
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::Transport;

pub fn send<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<(), Error> {
    let phone = Phone {
        country_code: "351".parse().expect("a calling code"),
        cellphone: "912 345 678".parse().expect("a number"),
    };
    client
        .phones()
        .start(&phone, &StartOptions::default(), deadline)?;
    // … the person reads the code …
    client.phones().check(&phone, &"1234".parse()?, deadline)
}
