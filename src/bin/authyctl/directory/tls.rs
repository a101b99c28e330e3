//! Which servers of the directory are believed: those that one of our CA certificates vouches for.
//!
//! `ldap3` would take the certificates of the system by itself, or of the file that SSL_CERT_FILE
//! names; it always gets a configuration from here instead.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use pam_authy::host::ca_file;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// The name in the URL that `ldap3` gets for an IPv6 address, which it cannot be given.
const NO_NAME: &str = "address.invalid";

/// The CA certificates of the configured file, or of the system's.
pub(super) struct Trust(Arc<RootCertStore>);

impl Trust {
    /// Reads the file.
    ///
    /// # Errors
    /// There is none, it is not trusted, or it has no certificate.
    pub(super) fn read(configured: Option<&Path>) -> Result<Self, String> {
        let (path, pem) = ca_file::read(configured).map_err(|error| match error {
            ca_file::Error::Missing => {
                "no file of CA certificates; set directory.ca_file".to_owned()
            }
            error => error.to_string(),
        })?;
        let mut store = RootCertStore::empty();
        // A certificate that cannot be parsed does not invalidate the others.
        store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
        if store.is_empty() {
            return Err(format!("{}: contains no CA certificate", path.display()));
        }
        Ok(Self(Arc::new(store)))
    }

    /// Returns the host for the URL of `ldap3`, and the configuration by which a server has to
    /// prove that it is `host`: a name, or an address without brackets.
    ///
    /// # Errors
    /// The host is no name.
    pub(super) fn config(&self, host: &str) -> Result<(String, Arc<ClientConfig>), String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let Ok(address) = host.parse::<Ipv6Addr>() else {
            ServerName::try_from(host).map_err(|error| format!("{host}: {error}"))?;
            let config = builder.with_root_certificates(Arc::clone(&self.0));
            let config = Arc::new(config.with_no_client_auth());
            return Ok((host.to_owned(), config));
        };
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.0), provider);
        let verifier = ByAddress {
            inner: inner.build().map_err(|error| error.to_string())?,
            address,
        };
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.enable_sni = false;
        Ok((NO_NAME.to_owned(), Arc::new(config)))
    }
}

/// Checks a certificate as rustls does, for an address instead of the name of the URL.
#[derive(Debug)]
struct ByAddress {
    inner: Arc<WebPkiServerVerifier>,
    address: Ipv6Addr,
}

impl ServerCertVerifier for ByAddress {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if name.to_str() != NO_NAME {
            return Err(CertificateError::NotValidForName.into());
        }
        let address = ServerName::from(IpAddr::V6(self.address));
        self.inner
            .verify_server_cert(certificate, intermediates, &address, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
