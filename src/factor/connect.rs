//! Builds the second factor of a person from the configuration. This is the only place that names
//! every provider, and it builds every client, except in `authyctl doctor`, which wraps the
//! transport.
//!
//! Called by `engine::wiring` for each login, and by authyctl, so that its commands use the same
//! client settings as a login. The configuration is trusted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::authy::Authy;
use super::combined::Combined;
use super::decoy::Decoy;
use super::totp::Totp;
use crate::base::factor::{Factor, Identity, Person, Providers, SecondFactor};
use crate::client::authy::Client;
use crate::client::http::{self, GoodAddresses, Https, Pem, Roots};
use crate::host::ca_file;
use crate::store::addresses::Addresses;
use crate::store::config;

/// Returns the second factor of `person` under the rules of a service. `totp` is the person's app,
/// where this host checks its codes: a code is checked there first, and then by one provider.
/// Returns a decoy for `None`, and, so that nothing is accepted by mistake, for a person or
/// configuration without any of them. The policy accepts only persons for whom this host can check
/// a factor. Opens no connection.
#[must_use]
pub fn second_factor(
    config: &config::Config,
    rules: &config::Login,
    person: Option<&Person>,
    totp: Option<Totp>,
) -> Box<dyn SecondFactor> {
    let other = at_provider(config, rules, person);
    match totp {
        Some(totp) => Box::new(Combined::new(totp, other)),
        None => other,
    }
}

/// Returns the person's factor at a provider, or a decoy.
fn at_provider(
    config: &config::Config,
    rules: &config::Login,
    person: Option<&Person>,
) -> Box<dyn SecondFactor> {
    let id = person.and_then(|person| person.authy_id);
    let decoy = |preconnect| Box::new(Decoy::new(preconnect, rules.code_digits));
    let at_login = |authy: &config::Authy| {
        let addresses = Arc::new(StoredAddresses(Addresses::new(&config.paths.state)));
        client(authy, https(authy).with_addresses(addresses))
    };
    match (config.authy.as_ref().map(at_login), id) {
        (Some(client), Some(id)) => Box::new(Authy::new(client, id)),
        (Some(client), None) => decoy(Some(Box::new(move |deadline| {
            client.preconnect(deadline);
        }))),
        (None, _) => decoy(None),
    }
}

/// Returns who the person is for the factor that a login without a question names: at the provider
/// where there is one.
#[must_use]
pub fn identity(config: &config::Config, person: &Person) -> Option<Identity> {
    let id = person.authy_id.filter(|_| receives(config, person));
    let totp = person.totp.clone();
    id.map(Identity::Authy).or(totp.map(Identity::Totp))
}

/// Whether a provider can send something to the person: an SMS, a call or a push.
#[must_use]
pub fn receives(config: &config::Config, person: &Person) -> bool {
    config.authy.is_some() && person.authy_id.is_some()
}

/// Returns what this host can check under the rules of a service.
#[must_use]
pub fn providers(config: &config::Config, rules: &config::Login) -> Providers {
    Providers {
        authy: config.authy.is_some(),
        totp: rules.factors.contains(&Factor::Token),
    }
}

/// Returns the longest time that one request to a provider may take; zero without a provider.
#[must_use]
pub fn request_timeout(config: &config::Config) -> Duration {
    config
        .authy
        .as_ref()
        .map_or(Duration::ZERO, |authy| authy.timeout)
}

/// Returns a client of the Authy service. Opens no connection.
#[must_use]
pub fn authy(config: &config::Authy) -> Client<Https> {
    client(config, https(config))
}

fn client(config: &config::Authy, transport: Https) -> Client<Https> {
    let key = config.key.clone();
    Client::new(transport, &config.url, key, config.timeout)
}

/// The addresses in the state folder.
#[derive(Debug)]
struct StoredAddresses(Addresses);

impl GoodAddresses for StoredAddresses {
    fn of(&self, host: &str) -> Vec<SocketAddr> {
        self.0.of(host)
    }

    fn note(&self, host: &str, address: SocketAddr) {
        self.0.note(host, address);
    }
}

/// Returns the HTTPS transport to the Authy service. It reads the CA file on the preconnect or
/// before the first request.
#[must_use]
pub fn https(config: &config::Authy) -> Https {
    let ca_file = config.ca_file.clone();
    let roots = Roots::read_by(move || {
        let (path, bytes) = ca_file::read(ca_file.as_deref()).map_err(|error| {
            if error.is_process_fault() {
                http::Error::Process(error.to_string())
            } else {
                http::Error::Local(error.to_string())
            }
        })?;
        Ok(Pem {
            name: path.display().to_string(),
            bytes,
        })
    });
    Https::new(roots, config.proxy.clone()).with_preconnect(config.warm_up)
}
