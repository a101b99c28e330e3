//! Reads the people of an LDAP directory: everything that one pass of `authyctl sync` needs of it.
//!
//! The servers of the configuration are tried in order. The list comes from one of them, whole or
//! not at all; nothing is written here. What a server sends is trusted no further than as values of
//! its people: `person` checks each. Called by `commands::sync`.

mod ber;
mod connect;
mod error;
mod person;
mod search;
mod tls;

use std::collections::HashSet;
use std::panic;
use std::thread;

use pam_authy::store::config::{Directory, DirectoryServer};
use pam_authy::store::directory::Listed;

pub(crate) use error::Error;

use connect::Proof;
use error::Failure;
use person::Found;
use tls::Trust;

/// What the directory has.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Every name, with its person or with what is wrong with the entry.
    pub(crate) listed: Vec<Listed>,
    /// The entries without a usable name, each with the reason.
    pub(crate) unnamed: Vec<(String, String)>,
    /// How many entries have none of the attributes, and are no person of ours.
    pub(crate) without_factor: usize,
    /// The server that has answered.
    pub(crate) server: String,
    /// The servers before it, each with the reason why it was of no use.
    pub(crate) skipped: Vec<String>,
}

/// Reads the directory. `is_known` tells whether a name was a person of ours before, whose entry
/// then counts as wrong when it has no attribute of a factor any more.
///
/// # Errors
/// No server gave the whole list.
pub(crate) fn read(
    directory: &Directory,
    is_known: impl Fn(&str) -> bool + Sync,
) -> Result<Reading, Error> {
    let proof = Proof::of(&directory.bind).map_err(Error::Local)?;
    let needs_tls = |server: &DirectoryServer| !matches!(server, DirectoryServer::Ldapi(_));
    let trust = if directory.servers.iter().any(needs_tls) {
        Some(Trust::read(directory.ca_file.as_deref()).map_err(Error::Local)?)
    } else {
        None
    };
    let mut skipped = Vec::new();
    for server in &directory.servers {
        let job = || {
            let mut connection = connect::connect(server, directory, trust.as_ref(), &proof)?;
            list(&mut connection, directory, &is_known)
        };
        match guarded(job) {
            Ok(reading) => {
                return Ok(Reading {
                    server: server.to_string(),
                    skipped,
                    ..reading
                });
            }
            Err(Failure::Unreachable(why)) => skipped.push(format!("{server}: {why}")),
            Err(Failure::BindRefused(why)) => {
                return Err(Error::BindRefused(server.to_string(), why));
            }
            Err(Failure::Incomplete(why)) => {
                return Err(Error::Incomplete(server.to_string(), why));
            }
            Err(Failure::Local(why)) => return Err(Error::Local(why)),
        }
    }
    Err(Error::NoServer(skipped))
}

/// Runs `job` on a thread of its own: `ldap3` panics when an answer is malformed.
fn guarded<T: Send>(job: impl FnOnce() -> Result<T, Failure> + Send) -> Result<T, Failure> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = thread::scope(|scope| scope.spawn(job).join());
    panic::set_hook(hook);
    let malformed = |_| Failure::Incomplete("the answer is malformed".to_owned());
    result.map_err(malformed)?
}

/// Reads all pages of one server.
fn list(
    connection: &mut ldap3::LdapConn,
    directory: &Directory,
    is_known: &impl Fn(&str) -> bool,
) -> Result<Reading, Failure> {
    let (mut reading, mut without_factor) = (Reading::default(), Vec::new());
    let attributes = person::attributes(&directory.attributes);
    search::search(
        connection,
        directory,
        &attributes,
        |entry| match person::read(&entry, directory) {
            Found::People(people) => Found::list(people, &mut reading.listed),
            Found::WithoutFactor(name) if is_known(&name) => {
                let person = Err(person::without_factor(&directory.attributes));
                reading.listed.push(Listed { name, person });
            }
            Found::WithoutFactor(name) => without_factor.push(name),
            Found::Unnamed(dn, why) => reading.unnamed.push((dn, why)),
        },
    )?;
    reading.without_factor = without_factor.len();
    // Two entries of one name tell nothing of the person, also where only one has a factor.
    let names: HashSet<_> = reading.listed.iter().map(|one| one.name.as_str()).collect();
    without_factor.retain(|name| names.contains(name.as_str()));
    let person = Err(person::without_factor(&directory.attributes));
    let again = without_factor.into_iter().map(|name| Listed {
        name,
        person: person.clone(),
    });
    reading.listed.extend(again);
    // An error here changes nothing: the list is whole.
    let _ = connection.unbind();
    Ok(reading)
}
