//! Second factor for Linux logins: `pam_authy.so` asks a person's phone through the Authy service
//! and lets them on only when the phone's owner says yes.
//!
//! The way of a login, one typed value per arrow:
//!
//! ```text
//! sshd → pam → Attempt → config → policy: whose, needed? → users: AuthyId → remembered?
//!      → factor by conversation → limits → provider → client → reply → Verdict → audit line → PAM code
//! ```
//!
//! Each row may use the rows above it, never its own or one below (`tests/layering.rs` checks this):
//!
//! | row | modules | what they know |
//! |---|---|---|
//! | 1 | [`secret`] [`text`] [`deadline`] [`trusted_file`] [`toml_file`] [`account`] [`address`] [`messages`] [`process`] [`attempt`] [`ssh_key`] [`state`] | the operating system, nothing of Authy |
//! | 2 | [`client`] | Authy's API; nothing of Unix users, configuration, PAM |
//! | 3 | [`config`] [`users`] | the two files |
//! | 4 | [`provider`] [`policy`] [`limits`] [`recovery`] [`remember`] | what a login asks of a service; who needs a second factor; what lives across calls |
//! | 5 | [`login`] | a whole login, without a PAM handle |
//! | 6 | [`audit`] | an outcome as one log line |
//! | 7 | `pam` | PAM's C interface: the module itself |
//!
//! # Trust boundaries
//!
//! Not trusted: the person at the prompt, the network, the service's answers (only one file,
//! `client::reply`, may call one of them a yes), the environment, resource limits and signals of
//! the calling process, other local users' files. Trusted: root, and files that only root can write.
//!
//! `unsafe` stands in two files: the C calls of the module, and libpam's application side.

#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

/// Wipes each block of memory when it is freed: key and token pass through buffers of ureq's and
/// rustls's that no code of ours can reach. In the module alone; a program chooses its own allocator.
#[cfg(not(feature = "admin"))]
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

pub mod account;
pub mod address;
pub mod attempt;
pub mod audit;
pub mod client;
pub mod config;
pub mod deadline;
pub mod limits;
pub mod login;
pub mod messages;
mod pam;
#[cfg(feature = "admin")]
#[expect(unsafe_code, reason = "calls libpam as an application does")]
pub mod pam_app;
pub mod policy;
pub mod process;
pub mod provider;
pub mod recovery;
pub mod remember;
pub mod secret;
pub mod ssh_key;
pub mod state;
pub mod text;
pub mod toml_file;
pub mod trusted_file;
pub mod users;
