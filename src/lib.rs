//! A second factor for Linux logins. `pam_authy.so` runs inside sshd, sudo or su, asks the person at the
//! prompt for a second factor, and lets them on only when it was proven.
//!
//! # Programs and features
//!
//! | program | feature | what it is |
//! |---|---|---|
//! | `pam_authy.so` | `module` | the PAM module; until the login moves into a process of its own it does all of it |
//! | `authyctl` | `admin` (default) | everything an administrator does |
//! | `authy-sim` | `sim` | the Authy service on loopback; it shares no code with the others |
//!
//! `client` is the library for other programs: the HTTP clients, without PAM, files or an allocator.
//! `engine` is a whole login. Features only add.
//!
//! # The flow of a login
//!
//! One typed value for each arrow; nothing is kept between attempts but what [`store`] keeps.
//!
//! ```text
//! application → pam (items, arguments) → Attempt → store::config → login::policy: is a factor required?
//!     → store::users: Person → factor::connect: SecondFactor → login: Dialog ⇄ person, SecondFactor
//!     → Outcome → engine::audit → PAM code
//! ```
//!
//! # Layers
//!
//! `ls src` is the architecture. A layer may use only what its row names; `tests/layering` checks it.
//!
//! | layer | what it knows | may use |
//! |---|---|---|
//! | [`base`] | plain values and pure functions | small crates |
//! | [`host`] | the operating system: accounts, files that only root can write | base |
//! | [`messages`] | what a person reads, in six languages | base |
//! | [`client`] | HTTP, and Authy's API; nothing of Unix users, configuration, PAM | base |
//! | [`store`] | what is on the disk: configuration, mapping, limits, recovery codes | base, host |
//! | [`factor`] | what proves a person; [`factor::connect`] is the one place that names every provider | base, client, and for `connect` store and host |
//! | [`login`] | a whole login, without PAM, sockets or files | base, messages, types of store and host |
//! | [`engine`] | what becomes of a decided login: the audit log | all of the above |
//! | `pam` | PAM's C interface: the module itself | base, host, engine; `pam/module.rs`, the wiring, all |
//!
//! # Words
//!
//! One thing has one name, in the code, the documentation and the log.
//!
//! | word | meaning |
//! |---|---|
//! | user, account | the login name that PAM gives; its Unix account |
//! | person | the human who uses a user name, as the mapping (`users.toml`) says |
//! | second factor, factor | what proves the person: Authy, Twilio Verify, TOTP, a security key, a recovery code |
//! | code | the digits that a person types; a *token* in Authy's API, and in the fixed names of the configuration |
//! | push | an approval request on the phone |
//! | channel | how a code is sent: by SMS or call |
//! | provider | a service that checks factors: Authy, Twilio Verify |
//! | service | PAM's name of the application: `sshd`, `sudo` |
//! | required, exempt, unenrolled | what the policy answers |
//! | decoy | the factor of an unenrolled user: it looks like a person's and accepts nothing |
//! | attempt, outcome | one call of the module; what came of it |
//! | verdict, reason | accepted, ignored, refused, unavailable or error; and why |
//! | enroll | tie a user to a factor |
//! | dialog, step | one login's conversation; what follows a reply |
//! | preconnect | open the connection to a provider while the person reads the prompt |
//!
//! # Trust boundaries
//!
//! Not trusted: the person at the prompt, the network, the providers' answers (one file for each
//! provider decides what is a yes: `client::authy::reply`), the environment, resource limits and
//! signals of the calling process, and other local users' files. Trusted: root, and files that only root
//! can write.
//!
//! `unsafe` code is in two files: the C calls of the module, and libpam's application side.

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
