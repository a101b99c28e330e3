use pam_authy::client::phones::{Phone, Start};
use pam_authy::client::{Client, Error, transport::Transport};
use pam_authy::deadline::Deadline;

pub fn send<T: Transport>(client: &Client<T>, deadline: Deadline) -> Result<(), Error> {
    let phone = Phone {
        country_code: "351".parse().expect("a calling code"),
        cellphone: "912 345 678".parse().expect("a number"),
    };
    client.phones().start(&phone, &Start::default(), deadline)?;
    // … the person reads the code …
    client.phones().check(&phone, &"1234".parse()?, deadline)
}
