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
//! | 1 | [`base`] | plain values; nothing else of this crate |
//! | 2 | [`host`] [`messages`] | the operating system, the texts |
//! | 3 | [`client`] | Authy's API; nothing of Unix users, configuration, PAM |
//! | 4 | [`store`] | what lies on the disk |
//! | 5 | [`factor`] | what a login asks of a service |
//! | 6 | [`login`] | a whole login, without a PAM handle |
//! | 7 | [`engine`] | an outcome as one log line |
//! | 8 | `pam` | PAM's C interface: the module itself |
//!
//! # Trust boundaries
//!
//! Not trusted: the person at the prompt, the network, the service's answers (only one file,
//! `client::authy::reply`, may call one of them a yes), the environment, resource limits and signals of
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

/// Wipes each block of memory when it is freed: keys and codes pass through buffers of ureq and rustls
/// that no code of ours can reach. A program that links the library chooses its own allocator.
#[cfg(feature = "module")]
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

pub mod base;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod factor;
#[cfg(any(feature = "engine", feature = "module"))]
pub mod host;
#[cfg(feature = "engine")]
pub mod login;
#[cfg(feature = "engine")]
pub mod messages;
#[cfg(feature = "module")]
mod pam;
#[cfg(feature = "admin")]
#[expect(unsafe_code, reason = "calls libpam as an application does")]
pub mod pam_app;
#[cfg(feature = "engine")]
pub mod store;
