//! Builds the TLS configuration from the trusted CA certificates.
//!
//! The caller gives the certificates as PEM; pam_authy reads them from one file that only root can
//! write. Each certificate is parsed once. A file without a certificate is an error rather than a
//! configuration that trusts no server. Called by `https`.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use rustls::{ClientConfig, Error as Tls, RootCertStore};

use super::error::Error;

/// The source of the trusted CA certificates. It is read when the first connection is prepared.
#[derive(Clone)]
pub struct Roots(Arc<dyn Fn() -> Result<Pem, Error> + Send + Sync>);

/// The content of a PEM file.
#[derive(Debug, Clone)]
pub struct Pem {
    /// The name for error messages, such as its path.
    pub name: String,
    /// The content. Comments may be in any encoding.
    pub bytes: Vec<u8>,
}

impl Roots {
    /// Trusts the certificates of `pem`.
    #[must_use]
    pub fn new(pem: Pem) -> Self {
        Self::read_by(move || Ok(pem.clone()))
    }

    /// Trusts the certificates that `read` returns. It may be called on another thread.
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

/// Creates a TLS configuration that trusts only the certificates of `roots`.
///
/// # Errors
/// [`Error::Local`] if there is no certificate, or the error of reading `roots`.
pub(super) fn tls(roots: &Roots) -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Local(error.to_string()))?
        .with_root_certificates(root_store(roots)?)
        .with_no_client_auth();
    // No process lives long enough to resume a session.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// Returns ring without support for client keys, so that the code for signing is not linked into
/// the module.
fn provider() -> CryptoProvider {
    CryptoProvider {
        key_provider: &NoKeys,
        ..ring::default_provider()
    }
}

/// Refuses to load a private key, since the client has none.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Tls> {
        Err(Tls::General("client keys are not supported".to_owned()))
    }
}

fn root_store(roots: &Roots) -> Result<RootCertStore, Error> {
    let Pem { name, bytes } = (roots.0)()?;
    let pem = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let mut store = RootCertStore::empty();
    // A certificate that cannot be parsed does not invalidate the others.
    store.add_parsable_certificates(certificates(&pem));
    if store.is_empty() {
        return Err(Error::Local(format!("{name}: contains no CA certificate")));
    }
    Ok(store)
}

/// Returns the certificates of a PEM file (RFC 7468) in their order. Skips invalid base64.
///
/// rustls's own reader decodes in constant time to protect private keys. For the about 140 public
/// certificates of a system, that would be two thirds of the work of a login.
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
    fn other_text_between_certificates_is_skipped() {
        let pem = format!(
            "# a comment\r\n{BEGIN}\r\nAAEC\r\nAwQ=\r\n{END}\r\nx\n{BEGIN}\n*\n{END}\n\
             -----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\
             {BEGIN}\nBQY=\n{END}\n{BEGIN}\nAAAA\n"
        );
        assert_eq!(found(&pem), [vec![0, 1, 2, 3, 4], vec![5, 6]]);
        assert!(found("").is_empty());
    }

    #[test]
    fn the_certificates_of_the_system_match_those_that_rustls_reads() {
        let paths = [
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/ca-bundle.pem",
            "/etc/ssl/cert.pem",
        ];
        let differs = |path: &&str| {
            let Ok(pem) = std::fs::read(path) else {
                return false;
            };
            let theirs: Vec<_> = CertificateDer::pem_slice_iter(&pem)
                .flatten()
                .map(|der| der.to_vec())
                .collect();
            found(&String::from_utf8_lossy(&pem)) != theirs
        };
        let failed: Vec<_> = paths.into_iter().filter(differs).collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}
