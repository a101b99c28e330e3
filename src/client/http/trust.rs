//! What a server has to prove: the certificates of one file that only root can write, as a TLS
//! configuration.
//!
//! Each certificate of the file is parsed once. A file without any is an error rather than a
//! configuration that trusts nobody.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use rustls::{ClientConfig, Error as Tls, RootCertStore};

use super::error::Error;

/// Where the trusted CA certificates come from. They are read when a connection is first prepared.
#[derive(Clone)]
pub struct Roots(Arc<dyn Fn() -> Result<Pem, Error> + Send + Sync>);

/// The content of a PEM file.
#[derive(Debug, Clone)]
pub struct Pem {
    /// What error messages call it, such as its path.
    pub name: String,
    /// The content. Comments may be in any encoding.
    pub bytes: Vec<u8>,
}

impl Roots {
    /// The certificates of `pem`.
    #[must_use]
    pub fn new(pem: Pem) -> Self {
        Self::read_by(move || Ok(pem.clone()))
    }

    /// The certificates that `read` gives back. It may be called from another thread.
    #[must_use]
    pub fn read_by(read: impl Fn() -> Result<Pem, Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Roots")
    }
}

/// A TLS configuration that trusts the certificates of `roots` alone.
///
/// # Errors
/// [`Error::Local`] when there is no certificate, and whatever reading `roots` answers.
pub(super) fn tls(roots: &Roots) -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Local(error.to_string()))?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    // Nothing lives long enough to resume a session.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// ring without keys of our own, with which a client would prove who it is: the code for signing would
/// be in the module for nothing.
fn provider() -> CryptoProvider {
    CryptoProvider {
        key_provider: &NoKeys,
        ..ring::default_provider()
    }
}

/// Loads no private key: there is none.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Tls> {
        Err(Tls::General("no key is ever used".to_owned()))
    }
}

fn store(roots: &Roots) -> Result<RootCertStore, Error> {
    let Pem { name, bytes } = (roots.0)()?;
    let pem = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let mut store = RootCertStore::empty();
    // A certificate that cannot be parsed is no reason to refuse the others.
    store.add_parsable_certificates(certificates(&pem));
    if store.is_empty() {
        return Err(Error::Local(format!("{name}: holds no CA certificate")));
    }
    Ok(store)
}

/// The certificates of a PEM file (RFC 7468), in their order. What is no base64 is left out.
///
/// rustls's own reader takes the same time for every byte, so as to keep private keys; for the some 140
/// certificates of a system that is two thirds of a login's work, and they are public.
fn certificates(pem: &str) -> impl Iterator<Item = CertificateDer<'static>> + '_ {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    pem.split(begin).skip(1).filter_map(move |rest| {
        let (text, _) = rest.split_once(end)?;
        let mut digits = String::with_capacity(text.len());
        text.lines().for_each(|line| digits.push_str(line.trim()));
        Some(BASE64_STANDARD.decode(digits).ok()?.into())
    })
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";

    fn found(pem: &str) -> Vec<Vec<u8>> {
        certificates(pem).map(|der| der.to_vec()).collect()
    }

    #[test]
    fn certificates_are_found_between_other_things() {
        let pem = format!(
            "# a comment\r\n{BEGIN}\r\nAAEC\r\nAwQ=\r\n{END}\r\nx\n{BEGIN}\n*\n{END}\n\
             -----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\
             {BEGIN}\nBQY=\n{END}\n{BEGIN}\nAAAA\n"
        );
        assert_eq!(found(&pem), [vec![0, 1, 2, 3, 4], vec![5, 6]]);
        assert!(found("").is_empty());
    }

    #[test]
    fn the_systems_certificates_are_the_ones_that_rustls_finds() {
        let usual = [
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
        ];
        for path in usual {
            let Ok(pem) = std::fs::read(path) else {
                continue;
            };
            let theirs: Vec<_> = CertificateDer::pem_slice_iter(&pem)
                .flatten()
                .map(|der| der.to_vec())
                .collect();
            assert_eq!(found(&String::from_utf8_lossy(&pem)), theirs, "{path}");
        }
    }
}
