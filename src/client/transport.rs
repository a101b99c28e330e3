//! One request out, one response in: the trait that tests replace, and HTTPS on ureq and rustls.
//!
//! The environment belongs to whoever typed `sudo`, so nothing here reads it: no proxy but the
//! configured one, no certificates but those of a file that only root can write, no redirects (ureq
//! would send the key along), bounded header and body. Blocks for the time-out of the request at most.

use std::cell::OnceCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Proxy, RequestBuilder};

use super::error::{Cause, Error};
use super::resolver::OwnThread;
use crate::process;
use crate::secret::Secret;
use crate::text;
use crate::trusted_file::{self, Holds};

/// The longest body that is read, in bytes; Authy's are well below 4 KiB, but for statistics.
const BODY_LIMIT: u64 = 64 * 1024;
/// The longest header that is read, in bytes.
const HEADER_LIMIT: usize = 16 * 1024;

/// Where a system keeps the CA certificates that it trusts; the first that exists is used.
const SYSTEM_CA_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What is sent: `key` goes into the header `X-Authy-API-Key`.
#[derive(Debug)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The whole address; secret, since a verify holds the token.
    pub url: &'a Secret,
    /// What is posted, as JSON.
    pub body: Option<&'a Secret>,
    /// The API key; none for an address that is not the service's own.
    pub key: Option<&'a Secret>,
    /// How long the whole request may take.
    pub timeout: Duration,
}

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks.
    Get,
    /// Has something done.
    Post,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, complete.
    pub body: Vec<u8>,
    /// `Retry-After` in seconds, where the header holds a number.
    pub retry_after_seconds: Option<u64>,
    /// The header `Date`, as it came.
    pub date: Option<String>,
}

/// Carries one request to the service.
pub trait Transport {
    /// Sends `request` once and reads the whole response. Blocks for its time-out at most.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::FalseIdentity`], [`Error::Process`] or [`Error::Local`]: there
    /// is no response. A response with a bad status is none of these.
    fn send(&self, request: &Request<'_>) -> Result<Response, Error>;
}

/// HTTPS on ureq and rustls. Certificates are read when the first request goes out.
#[derive(Debug)]
pub struct Https {
    ca_file: Option<PathBuf>,
    proxy: Option<String>,
    agent: OnceCell<Agent>,
}

impl Https {
    /// HTTPS that trusts the certificates in `ca_file` only, or the system's file when it is `None`,
    /// and goes through `proxy` (`http://host:port`) when there is one.
    #[must_use]
    pub fn new(ca_file: Option<PathBuf>, proxy: Option<String>) -> Self {
        Self {
            ca_file,
            proxy,
            agent: OnceCell::new(),
        }
    }

    fn agent(&self) -> Result<&Agent, Error> {
        if self.agent.get().is_none() {
            let agent = self.build_agent()?;
            // Nobody else can have set it: this type is not shared between threads.
            let _ = self.agent.set(agent);
        }
        self.agent
            .get()
            .ok_or_else(|| Error::Local("no agent".to_owned()))
    }

    fn build_agent(&self) -> Result<Agent, Error> {
        let proxy = match &self.proxy {
            Some(address) => Some(
                Proxy::new(address).map_err(|_| Error::Local("the proxy is no address".into()))?,
            ),
            None => None,
        };
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(self.roots()?)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .user_agent(user_agent())
            .accept("application/json")
            .max_response_header_size(HEADER_LIMIT)
            .tls_config(tls)
            .build();
        Ok(Agent::with_parts(
            config,
            DefaultConnector::default(),
            OwnThread,
        ))
    }

    /// The CA certificates; ureq drops those that it can't parse silently, so they are counted here.
    fn roots(&self) -> Result<Vec<Certificate<'static>>, Error> {
        let path = match &self.ca_file {
            Some(path) => path.as_path(),
            None => SYSTEM_CA_FILES
                .iter()
                .map(Path::new)
                .find(|path| path.exists())
                .ok_or_else(|| {
                    Error::Local("no file of CA certificates; set api.ca_file".into())
                })?,
        };
        let pem =
            trusted_file::read(path, Holds::Public, trusted_file::LIMIT).map_err(|error| {
                if error.is_process_fault() {
                    Error::Process(error.to_string())
                } else {
                    Error::Local(error.to_string())
                }
            })?;
        let mut store = RootCertStore::empty();
        let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .flatten()
            .filter(|der| store.add(der.clone()).is_ok())
            .map(|der| Certificate::from_der(&der).to_owned())
            .collect();
        if roots.is_empty() {
            return Err(Error::Local(format!(
                "{}: holds no CA certificate",
                path.display()
            )));
        }
        Ok(roots)
    }
}

impl Transport for Https {
    fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let agent = self.agent()?;
        let watch = process::Watch::start().map_err(|error| Error::Process(error.to_string()))?;
        let start = Instant::now();
        let result = exchange(agent, request);
        let was_stopped = watch.was_stopped(start.elapsed());
        result.map_err(|error| match sort_error(&error) {
            Error::Unavailable(_) if was_stopped => {
                Error::Process("the process was stopped while it waited for an answer".into())
            }
            error => error,
        })
    }
}

/// Sends the request once and reads the whole response.
fn exchange(agent: &Agent, request: &Request<'_>) -> Result<Response, ureq::Error> {
    let url = request.url.expose();
    let mut response = match request.method {
        Method::Get => with_key(agent.get(url), request).call()?,
        Method::Post => with_key(agent.post(url), request)
            .content_type("application/json")
            .send(request.body.map_or("{}", Secret::expose))?,
    };
    let retry_after_seconds = response
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let date = response
        .headers()
        .get("Date")
        .and_then(|value| Some(text::clean(value.to_str().ok()?)));
    Ok(Response {
        status: response.status().as_u16(),
        body: response
            .body_mut()
            .with_config()
            .limit(BODY_LIMIT)
            .read_to_vec()?,
        retry_after_seconds,
        date,
    })
}

/// The same header and the same time-out for every request.
fn with_key<B>(call: RequestBuilder<B>, request: &Request<'_>) -> RequestBuilder<B> {
    let call = match request.key {
        Some(key) => call.header("X-Authy-API-Key", key.expose()),
        None => call,
    };
    call.config().timeout_global(Some(request.timeout)).build()
}

/// `AuthyPAM/0.1.0 (linux-x86_64; Rust)`, the shape that Authy's own clients use.
fn user_agent() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("AuthyPAM/{} ({os}-{arch}; Rust)", env!("CARGO_PKG_VERSION"))
}

fn sort_error(error: &ureq::Error) -> Error {
    if let Some(why) = identity_error(error) {
        return Error::FalseIdentity(text::clean(&why));
    }
    if let Some(lack) = process_error(error).or_else(process::lacks) {
        return Error::Process(lack);
    }
    Error::Unavailable(match error {
        ureq::Error::Timeout(_) => Cause::TimedOut,
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Cause::TimedOut,
        ureq::Error::Http(_)
        | ureq::Error::Protocol(_)
        | ureq::Error::BodyExceedsLimit(_)
        | ureq::Error::LargeResponseHeader(..) => {
            Cause::Nonsense("not a usable HTTP answer".into())
        }
        other => Cause::Connection(text::clean(&other.to_string())),
    })
}

/// Whether the TLS handshake failed for the server's identity or for what it can speak, as opposed
/// to a connection that broke.
fn identity_error(error: &ureq::Error) -> Option<String> {
    use rustls::Error as Tls;
    let tls = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Tls>()),
        _ => None,
    }?;
    match tls {
        Tls::InvalidCertificate(_)
        | Tls::NoCertificatesPresented
        | Tls::UnsupportedNameType
        | Tls::PeerIncompatible(_)
        | Tls::PeerMisbehaved(_)
        | Tls::AlertReceived(_) => Some(tls.to_string()),
        _ => None,
    }
}

/// What our own process lacked, where the error says so.
fn process_error(error: &ureq::Error) -> Option<String> {
    use nix::libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
    let ureq::Error::Io(error) = error else {
        return None;
    };
    let errno = error.raw_os_error()?;
    [EMFILE, ENFILE, ENOBUFS, ENOMEM]
        .contains(&errno)
        .then(|| error.to_string())
}
