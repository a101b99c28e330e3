//! Builds the second factor of a person from the configuration. This is the only place that names
//! every provider, and it builds every client, except in `authyctl doctor`, which wraps the
//! transport.
//!
//! Called by `engine::wiring` for each login, and by authyctl, so that its commands use the same
//! client settings as a login. The configuration is trusted.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::authy::Authy;
use super::combined::Combined;
use super::decoy::{Decoy, Preconnect};
use super::totp::Totp;
use super::twilio::{App, Twilio, requests_per_code};
use crate::base::factor::twilio::Lasting;
use crate::base::factor::{
    Factor, Fingerprint, Identity, Person, Phone, Providers, SecondFactor, SendMode,
};
use crate::client::authy::Client;
use crate::client::http::{self, GoodAddresses, Https, Pem, Roots};
use crate::client::twilio;
use crate::host::{address, ca_file};
use crate::store::addresses::Addresses;
use crate::store::config::{self, Provider};

/// Who makes a provider send codes, as far as it counts them.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The user whose factor is required.
    pub user: &'a str,
    /// The remote address, where the login has one.
    pub address: Option<IpAddr>,
}

/// Returns the second factor of `person` under the rules of a service. `totp` is the person's app,
/// where this host checks its codes: a code is checked there first, and then by one provider.
/// `lasting` is what a factor at Twilio keeps. Returns a decoy for `None`, and, so that nothing is
/// accepted by mistake, for a person or configuration without any of them; that of a person with
/// security keys alone has the first of them as its identity. The policy accepts only persons with
/// a factor that this host can check. Opens no connection.
#[must_use]
pub fn second_factor(
    config: &config::Config,
    rules: &config::Login,
    person: Option<&Person>,
    totp: Option<Totp>,
    lasting: Lasting,
    caller: Caller<'_>,
) -> Box<dyn SecondFactor> {
    let other = at_provider(config, rules, person, lasting, caller);
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
    lasting: Lasting,
    caller: Caller<'_>,
) -> Box<dyn SecondFactor> {
    let provider = person.and_then(|person| provider(config, rules, person));
    let id = person.and_then(|person| person.authy_id);
    match (provider, &config.authy, &config.twilio, id, person) {
        (Some(Provider::Authy), Some(authy), _, Some(id), _) => {
            Box::new(Authy::new(authy_at_login(config, authy), id))
        }
        (Some(Provider::Twilio), _, Some(twilio), _, Some(person)) => {
            let client = twilio_at_login(config, twilio);
            let (phone, app) = at_twilio(providers(config, rules), person);
            let digits = rules.code_digits;
            let factor = Twilio::new(client, phone, app, lasting, digits);
            Box::new(factor.with_rate_limits(rate_limits(twilio, caller)))
        }
        _ => {
            let key = person.and_then(|person| security_key_of(config, rules, person));
            Box::new(decoy(config, rules, key))
        }
    }
}

/// Returns the rate limits of the service for which a code that is sent counts, with the value that
/// each counts. One that counts by the address has none in a login without one, as that of sudo.
#[must_use]
pub fn rate_limits(config: &config::Twilio, caller: Caller<'_>) -> Vec<(String, String)> {
    let limits = config.rate_limits.clone();
    let address = caller.address.map(address::counted);
    let by_user = limits.user.map(|name| (name, caller.user.to_owned()));
    by_user
        .into_iter()
        .chain(limits.rhost.zip(address))
        .collect()
}

/// Returns the factor of a login that a security key has proven: it is asked nothing.
#[must_use]
pub fn proven(key: Fingerprint) -> Box<dyn SecondFactor> {
    let key = Some(Identity::SecurityKey(key.to_string().into()));
    Box::new(Decoy::new(None, 0).of(key))
}

/// Returns the factor of the unenrolled, which opens a connection as others do, or with an identity
/// that of a person who has no codes.
fn decoy(config: &config::Config, rules: &config::Login, identity: Option<Identity>) -> Decoy {
    let prefers_twilio = rules.provider == Some(Provider::Twilio);
    let preconnect: Option<Preconnect> = match (&config.authy, &config.twilio) {
        (Some(authy), _) if !prefers_twilio => {
            let client = authy_at_login(config, authy);
            Some(Box::new(move |deadline| client.preconnect(deadline)))
        }
        (_, Some(twilio)) => {
            let client = twilio_at_login(config, twilio);
            Some(Box::new(move |deadline| client.preconnect(deadline)))
        }
        (_, None) => None,
    };
    Decoy::new(preconnect, rules.code_digits).of(identity)
}

/// Returns the provider that is asked about a person: `login.provider` where both know them.
#[must_use]
pub fn provider(
    config: &config::Config,
    rules: &config::Login,
    person: &Person,
) -> Option<Provider> {
    let is_at_authy = config.authy.is_some() && person.authy_id.is_some();
    let is_at_twilio = match at_twilio(providers(config, rules), person) {
        (None, None) => false,
        _ => config.twilio.is_some(),
    };
    match (is_at_authy, is_at_twilio) {
        (true, true) => Some(rules.provider.unwrap_or(Provider::Authy)),
        (true, false) => Some(Provider::Authy),
        (false, true) => Some(Provider::Twilio),
        (false, false) => None,
    }
}

/// Returns the person's number and app at Twilio, as far as the rules of the service accept them.
fn at_twilio(providers: Providers, person: &Person) -> (Option<Phone>, Option<App>) {
    let phone = person.phone.clone().filter(|_| providers.sends);
    let app = person
        .twilio_identity
        .clone()
        .zip(person.twilio_factor.clone());
    let app = app.filter(|_| providers.totp);
    (
        phone,
        app.map(|(identity, factor)| App { identity, factor }),
    )
}

/// Returns who the person is for the factor that a login without a question names: at the provider
/// where there is one.
#[must_use]
pub fn identity(
    config: &config::Config,
    rules: &config::Login,
    person: &Person,
) -> Option<Identity> {
    let at_provider = match provider(config, rules, person) {
        Some(Provider::Authy) => person.authy_id.map(Identity::Authy),
        Some(Provider::Twilio) => match at_twilio(providers(config, rules), person) {
            (_, Some(app)) => Some(app.id()),
            (phone, None) => phone.as_ref().map(Identity::from),
        },
        None => None,
    };
    let app = || person.totp.clone().map(Identity::Totp);
    let key = || security_key_of(config, rules, person);
    at_provider.or_else(app).or_else(key)
}

/// Returns the first security key of the person, where the rules of the service accept one.
fn security_key_of(
    config: &config::Config,
    rules: &config::Login,
    person: &Person,
) -> Option<Identity> {
    let key = person.security_keys.first();
    let key = key.filter(|_| providers(config, rules).security_keys)?;
    Some(Identity::SecurityKey(key.to_string().into()))
}

/// Whether a provider can send something to the person: an SMS, a call or a push.
#[must_use]
pub fn receives(config: &config::Config, rules: &config::Login, person: &Person) -> bool {
    match provider(config, rules, person) {
        Some(Provider::Authy) => true,
        Some(Provider::Twilio) => person.phone.is_some(),
        None => false,
    }
}

/// Returns what this host can check under the rules of a service.
#[must_use]
pub fn providers(config: &config::Config, rules: &config::Login) -> Providers {
    let has = |factor| rules.factors.contains(&factor);
    Providers {
        authy: config.authy.is_some(),
        twilio: config.twilio.is_some(),
        totp: has(Factor::Token),
        sends: has(Factor::Sms) && rules.sms != SendMode::Never || has(Factor::Call),
        security_keys: has(Factor::SecurityKey),
    }
}

/// Returns the longest time that the requests about one code of the person may take; zero without a
/// provider.
#[must_use]
pub fn request_timeout(
    config: &config::Config,
    rules: &config::Login,
    person: Option<&Person>,
) -> Duration {
    let Some(person) = person else {
        return Duration::ZERO;
    };
    let provider = provider(config, rules, person);
    match (provider, &config.authy, &config.twilio) {
        (Some(Provider::Authy), Some(authy), _) => authy.timeout,
        (Some(Provider::Twilio), _, Some(twilio)) => {
            let (phone, app) = at_twilio(providers(config, rules), person);
            twilio.timeout * requests_per_code(phone.is_some(), app.is_some())
        }
        _ => Duration::ZERO,
    }
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
    transport(config.ca_file.clone(), config.proxy.clone()).with_preconnect(config.warm_up)
}

/// Returns a client of Twilio Verify. Opens no connection.
#[must_use]
pub fn twilio(config: &config::Twilio) -> twilio::Client<Https> {
    let transport = transport(config.ca_file.clone(), config.proxy.clone());
    twilio_client(config, transport)
}

fn twilio_client(config: &config::Twilio, transport: Https) -> twilio::Client<Https> {
    twilio::Client::new(
        transport,
        &config.url,
        config.service.clone(),
        &config.key_sid,
        &config.key_secret,
        config.timeout,
    )
}

/// Returns the client of a login, which keeps good addresses.
fn authy_at_login(config: &config::Config, authy: &config::Authy) -> Client<Https> {
    client(authy, https(authy).with_addresses(addresses(config)))
}

/// Returns the client of a login, which keeps good addresses.
fn twilio_at_login(config: &config::Config, twilio: &config::Twilio) -> twilio::Client<Https> {
    let transport = transport(twilio.ca_file.clone(), twilio.proxy.clone());
    twilio_client(twilio, transport.with_addresses(addresses(config)))
}

fn addresses(config: &config::Config) -> Arc<StoredAddresses> {
    Arc::new(StoredAddresses(Addresses::new(&config.paths.state)))
}

fn transport(ca_file: Option<PathBuf>, proxy: Option<String>) -> Https {
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
    Https::new(roots, proxy)
}
