//! The simulator's CA, the server's certificate, and the invalid certificates that a fault can
//! present.
//!
//! The CA and the server's certificate persist in the folder between runs; the invalid certificates
//! are generated at each start. The listener takes one acceptor per connection from here.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::folder::{Folder, write};

/// Names of the invalid certificates in a fault's `certificate` member.
pub(crate) const INVALID_CERTIFICATES: [&str; 6] = [
    "self-signed",
    "wrong-name",
    "expired",
    "not-yet-valid",
    "wrong-ca",
    "missing-intermediate",
];

/// The name of the CA.
const CA_NAME: &str = "authy-sim CA";

/// One TLS acceptor per certificate.
pub(crate) struct Certificates {
    valid: TlsAcceptor,
    invalid: HashMap<&'static str, TlsAcceptor>,
}

impl Certificates {
    /// Reads the CA and the server's certificate from the folder, or creates them there.
    pub(crate) fn load_or_create(folder: &Folder) -> Result<Self> {
        if !folder.path("server.key").exists() {
            create_files(folder)?;
        }
        let read =
            |name: &str| fs::read_to_string(folder.path(name)).with_context(|| name.to_owned());
        let ca_key = KeyPair::from_pem(&read("ca.key")?)?;
        // The certificate in ca.pem has the same name, and the same key.
        let ca = Issuer::new(ca_params(CA_NAME)?, ca_key);
        let valid = acceptor(&read("server.pem")?, &read("server.key")?)?;
        let mut invalid = HashMap::new();
        for name in INVALID_CERTIFICATES {
            invalid.insert(name, invalid_acceptor(name, &ca)?);
        }
        Ok(Self { valid, invalid })
    }

    /// Returns the acceptor with the invalid certificate of this name, or the one with the valid
    /// certificate.
    pub(crate) fn acceptor(&self, invalid: Option<&str>) -> TlsAcceptor {
        invalid
            .and_then(|name| self.invalid.get(name))
            .unwrap_or(&self.valid)
            .clone()
    }
}

fn create_files(folder: &Folder) -> Result<()> {
    let ca_key = KeyPair::generate()?;
    let ca_params = ca_params(CA_NAME)?;
    let ca_certificate = ca_params.self_signed(&ca_key)?;
    let ca = Issuer::from_params(&ca_params, &ca_key);
    let key = KeyPair::generate()?;
    let certificate = server_params(&["localhost", "127.0.0.1", "::1"])?.signed_by(&key, &ca)?;
    write(&folder.path("ca.pem"), &ca_certificate.pem(), 0o644)?;
    write(&folder.path("ca.key"), &ca_key.serialize_pem(), 0o600)?;
    write(&folder.path("server.pem"), &certificate.pem(), 0o644)?;
    write(&folder.path("server.key"), &key.serialize_pem(), 0o600)
}

fn invalid_acceptor(name: &str, ca: &Issuer<'_, KeyPair>) -> Result<TlsAcceptor> {
    let key = KeyPair::generate()?;
    let mut params = server_params(&["localhost", "127.0.0.1", "::1"])?;
    let certificate = match name {
        "self-signed" => params.self_signed(&key)?,
        "wrong-name" => server_params(&["authy.example", "192.0.2.1"])?.signed_by(&key, ca)?,
        "expired" => {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
            params.signed_by(&key, ca)?
        }
        "not-yet-valid" => {
            params.not_before = date_time_ymd(2090, 1, 1);
            params.not_after = date_time_ymd(2091, 1, 1);
            params.signed_by(&key, ca)?
        }
        "wrong-ca" => {
            let other = Issuer::new(ca_params("another CA")?, KeyPair::generate()?);
            params.signed_by(&key, &other)?
        }
        // missing-intermediate: an intermediate CA signs it, and the server does not send that CA's
        // certificate.
        _ => {
            let intermediate_key = KeyPair::generate()?;
            let intermediate_params = ca_params("authy-sim intermediate CA")?;
            intermediate_params.signed_by(&intermediate_key, ca)?;
            params.signed_by(&key, &Issuer::new(intermediate_params, intermediate_key))?
        }
    };
    acceptor(&certificate.pem(), &key.serialize_pem())
}

fn ca_params(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server_params(names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "authy-sim");
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
