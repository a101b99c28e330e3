//! The table `[directory]` of config.toml: from where `authyctl sync` reads people.
//!
//! Called by `read`. No login uses more of it than that it is there: `store::directory` has what
//! the last sync has read. password_file and ca_file are only named here, and read by the sync, so
//! that a login fails by neither.

mod read;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub(super) use read::directory;

/// The table `[directory]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The servers, in the order in which they are tried; never empty.
    pub servers: Vec<DirectoryServer>,
    /// The file of trusted CA certificates; `None`: the system's.
    pub ca_file: Option<PathBuf>,
    /// The name of the entry below which people are.
    pub base: String,
    /// Which entries are people, in the form of RFC 4515.
    pub filter: String,
    /// Who reads.
    pub bind: DirectoryBind,
    /// Which attributes are read.
    pub attributes: DirectoryAttributes,
    /// The country of numbers without `+`: the two letters of ISO 3166.
    pub default_country: Option<String>,
    /// How many of the people who are known may be gone in one pass, in percent.
    pub max_removed_percent: u8,
    /// What happens when a known person's factors change.
    pub changes: Changes,
    /// How long one operation may take, 1 to 300 seconds.
    pub timeout: Duration,
    /// Whether names are lower-cased, as sssd and winbind do with those of Active Directory.
    pub folds_case: bool,
}

/// A server of the directory. Its text is the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryServer {
    /// TLS from the first byte.
    Ldaps {
        /// A name or an address; one of IPv6 has no brackets here.
        host: String,
        /// The port.
        port: u16,
    },
    /// TLS by StartTLS, before anything else is said.
    StartTls {
        /// A name or an address; one of IPv6 has no brackets here.
        host: String,
        /// The port.
        port: u16,
    },
    /// A socket on this host.
    Ldapi(PathBuf),
}

/// Who reads the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryBind {
    /// This name and a password.
    Simple {
        /// The name.
        dn: String,
        /// The file with the password.
        password_file: PathBuf,
    },
    /// SASL EXTERNAL: the user of this process, over a socket on this host.
    External,
}

/// The attributes of an entry that are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryAttributes {
    /// The login name.
    pub user: String,
    /// The number at Authy.
    pub authy_id: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// The identity at Twilio Verify, together with `twilio_factor`.
    pub twilio_identity: Option<String>,
    /// The app at Twilio Verify.
    pub twilio_factor: Option<String>,
    /// The SSH security keys.
    pub security_keys: Option<String>,
}

/// What happens when the factors of a known person change in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Changes {
    /// The old ones stay until the administrator accepts the new ones.
    #[default]
    Hold,
    /// The new ones count.
    Apply,
}

impl fmt::Display for DirectoryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port) = match self {
            Self::Ldaps { host, port } => ("ldaps", host, port),
            Self::StartTls { host, port } => ("ldap", host, port),
            Self::Ldapi(path) => {
                let path = path.to_string_lossy().replace('/', "%2F");
                return write!(f, "ldapi://{path}");
            }
        };
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests;
