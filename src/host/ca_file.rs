//! The file of CA certificates that connections trust: the configured one, or the system's.
//!
//! The file is trusted like any other: only root, or who runs an unprivileged program, can have
//! written it. Neither SSL_CERT_FILE nor SSL_CERT_DIR is read.

use std::path::Path;

use super::trusted_file::{self, Access};

/// Where a system keeps the CA certificates that it trusts; the first that exists is used.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why there are no CA certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file is configured, and none of the usual ones exists.
    #[error("no file of CA certificates; set authy.ca_file")]
    Missing,
    /// The file cannot be trusted or read.
    #[error(transparent)]
    File(#[from] trusted_file::Error),
}

impl Error {
    /// Whether this process lacks a descriptor or memory to read the file.
    #[must_use]
    pub fn is_process_fault(&self) -> bool {
        matches!(self, Self::File(error) if error.is_process_fault())
    }
}

/// The path and the content of `configured`, or of the system's file when it is `None`.
///
/// # Errors
/// [`Error`]: there is no such file, or it cannot be trusted or read.
pub fn read(configured: Option<&Path>) -> Result<(&Path, Vec<u8>), Error> {
    let system = || {
        let mut files = SYSTEM_FILES.iter().map(Path::new);
        files.find(|path| path.exists())
    };
    let path = configured.or_else(system).ok_or(Error::Missing)?;
    let pem = trusted_file::read(path, Access::WorldReadable, trusted_file::LIMIT)?;
    Ok((path, pem))
}
