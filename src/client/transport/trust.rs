//! What a server has to prove: the certificates of one file that only root can write, as a TLS
//! configuration.
//!
//! Each certificate of the file is parsed once. A file without any is an error rather than a
//! configuration that trusts nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::client::error::Error;
use crate::trusted_file::{self, Holds};

/// Where a system keeps the CA certificates that it trusts; the first that exists is used.
const SYSTEM_CA_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// TLS that trusts the certificates in `ca_file` only, or the system's file when it is `None`.
///
/// # Errors
/// [`Error::Local`] when there is no such file or no certificate in it; [`Error::Process`].
pub(super) fn tls(ca_file: Option<&PathBuf>) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Local(error.to_string()))?
        .with_root_certificates(roots(ca_file)?)
        .with_no_client_auth();
    // Nothing lives long enough to resume a session.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

fn roots(ca_file: Option<&PathBuf>) -> Result<RootCertStore, Error> {
    let path = match ca_file {
        Some(path) => path.as_path(),
        None => SYSTEM_CA_FILES
            .iter()
            .map(Path::new)
            .find(|path| path.exists())
            .ok_or_else(|| Error::Local("no file of CA certificates; set api.ca_file".into()))?,
    };
    let pem = trusted_file::read(path, Holds::Public, trusted_file::LIMIT).map_err(|error| {
        if error.is_process_fault() {
            Error::Process(error.to_string())
        } else {
            Error::Local(error.to_string())
        }
    })?;
    let mut store = RootCertStore::empty();
    // One that cannot be parsed is no reason to refuse the others.
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    if store.is_empty() {
        return Err(Error::Local(format!(
            "{}: holds no CA certificate",
            path.display()
        )));
    }
    Ok(store)
}
