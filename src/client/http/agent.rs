//! The agent of ureq that sends the requests, and what it is made of.
//!
//! It follows no redirect, takes no proxy but the configured one, and reads headers up to a limit.
//! Called by `https`.

use std::sync::Arc;
use std::time::Instant;

use ureq::Agent;

use super::GoodAddresses;
use super::dial::{Dialer, Target};
use super::error::Error;
use super::preconnect::{MAX_IDLE, NoResolver, PreconnectedConnector, Preconnector};
use super::trust::{self, Roots};

/// The longest header that is read, in bytes.
const HEADER_LIMIT: usize = 16 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) roots: Roots,
    pub(super) proxy: Option<String>,
    pub(super) addresses: Option<Arc<dyn GoodAddresses>>,
}

/// An agent that can send requests.
#[derive(Debug)]
pub(super) struct PreparedAgent {
    pub(super) agent: Agent,
    pub(super) preconnector: Arc<Preconnector>,
    /// When its first connection was opened ahead, if it was.
    pub(super) opened_at: Option<Instant>,
}

impl Settings {
    /// Reads the certificates and creates an agent. Opens no connection.
    pub(super) fn prepare(&self) -> Result<PreparedAgent, Error> {
        let proxy = match &self.proxy {
            Some(address) => Some(
                address
                    .parse()
                    .ok()
                    .and_then(|uri| Target::from_uri(&uri, 80))
                    .ok_or_else(|| Error::Local("the proxy is not a valid URL".into()))?,
            ),
            None => None,
        };
        let dialer = Dialer::new(trust::tls(&self.roots)?, proxy, self.addresses.clone());
        let preconnector = Arc::new(Preconnector::new(dialer));
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The dialer has the configured proxy; without this, ureq would use the environment's.
            .proxy(None)
            .user_agent(user_agent())
            .accept("application/json")
            .max_response_header_size(HEADER_LIMIT)
            .max_idle_age(MAX_IDLE)
            .build();
        Ok(PreparedAgent {
            agent: Agent::with_parts(
                config,
                PreconnectedConnector(Arc::clone(&preconnector)),
                NoResolver,
            ),
            preconnector,
            opened_at: None,
        })
    }

    /// Creates an agent and tries to open its first connection to `url`. Blocks until `until` at
    /// most.
    pub(super) fn preconnect(&self, url: &str, until: Instant) -> Result<PreparedAgent, Error> {
        let mut prepared = self.prepare()?;
        if prepared.preconnector.open_ahead(url, until).is_ok() {
            prepared.opened_at = Some(Instant::now());
        }
        Ok(prepared)
    }
}

/// Returns a user agent such as `AuthyPAM/0.1.0 (linux-x86_64; Rust)`, in the form that Authy's own
/// clients use.
fn user_agent() -> String {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("AuthyPAM/{} ({os}-{arch}; Rust)", env!("CARGO_PKG_VERSION"))
}
