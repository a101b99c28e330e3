//! One file for each family of commands, and what they share: the client, and who is meant.

pub(crate) mod mapping;
pub(crate) mod people;
pub(crate) mod test;
pub(crate) mod tokens;

use std::time::{Duration, Instant};

use pam_authy::client::Client;
use pam_authy::client::transport::Https;
use pam_authy::client::types::AuthyId;
use pam_authy::config::Config;
use pam_authy::deadline::Deadline;
use pam_authy::text;
use pam_authy::users::{Entry, Mapping};

use crate::cli::{Global, Who};
use crate::failure::{Failure, Kind};

/// The client of the configuration, and the deadline for one request.
fn client(global: &Global) -> Result<(Client<Https>, Deadline), Failure> {
    let api = Config::load(&global.config)?.api;
    if global.verbose {
        eprintln!("authyctl: service {}", api.url);
    }
    let deadline = Deadline::after(Instant::now(), api.timeout + Duration::from_secs(1));
    let transport = Https::new(api.ca_file, api.proxy);
    Ok((
        Client::new(transport, &api.url, api.key, api.timeout),
        deadline,
    ))
}

/// The authy id of whoever is meant.
fn person(global: &Global, who: &Who) -> Result<AuthyId, Failure> {
    let user = match (&who.user, who.authy_id) {
        (_, Some(id)) => return Ok(id),
        (Some(user), None) => user,
        (None, None) => return Err(Failure::new(Kind::Usage, "USER or --authy-id is needed")),
    };
    match Mapping::load(&global.users)?.find(user) {
        Entry::Enrolled(id) => Ok(id),
        Entry::Unusable { line, message } => {
            let file = global.users.display();
            Err(Failure::new(
                Kind::Local,
                format!("{file}:{line}: {message}"),
            ))
        }
        Entry::Absent => {
            let user = text::clean_to(user, 64);
            Err(Failure::new(Kind::Local, format!("{user} is not enrolled"))
                .hint(format!("authyctl enroll {user} --authy-id N")))
        }
    }
}
