//! A second factor for Linux logins. `pam_authy.so` runs inside sshd, sudo or su, asks the person
//! at the prompt for a second factor, and succeeds only when it was proven. A login that the
//! configuration exempts, an unenrolled user where `unenrolled = "ignore"`, and an outage where
//! `when_unavailable = "ignore"` get PAM_IGNORE instead. A remembered login needs no new proof.
//!
//! # Programs and features
//!
//! | program | feature | what it is |
//! |---|---|---|
//! | `pam_authy.so` | `module` | the PAM module; it runs the whole login |
//! | `authyctl` | `admin` (default) | everything an administrator does |
//! | `authy-sim` | `sim` | a simulator of the Authy service; shares no code with the others |
//!
//! `client` is the library for other programs: the HTTP clients, without PAM, files or an
//! allocator. The feature `engine` has everything below `pam`. A feature only adds code; none
//! removes any.
//!
//! # The flow of a login
//!
//! Read `pam/module.rs` (`authenticate`, `Case::decide`), then `login/mod.rs`.
//!
//! ```text
//! 1. pam::items       PAM's items and environment          → Attempt
//! 2. store::config    config.toml, the service's rules     → Config, config::Login
//! 3. login::policy    whose factor; is one required?
//!                     [exempt] first, then users.toml      → Requirement (with the Person)
//! 4. store::remember  was the same login just proven?      → the end, or go on
//! 5. factor::connect  the person's factor, or a decoy      → SecondFactor
//! 6. login            prompt ⇄ person, code ⇄ provider;
//!                     store::limits, store::recovery       → Outcome
//! 7. store::remember  stores a login that a code or push proved
//! 8. engine::audit    one line in the log
//! 9. pam              Verdict                              → PAM code
//! ```
//!
//! Any step may end the login early; steps 8 and 9 always follow. Nothing is kept between logins
//! but what [`store`] keeps.
//!
//! # Layers
//!
//! `ls src` is the architecture. A layer may use only what its row names; `tests/layering` checks
//! it.
//!
//! | layer | what it knows | may use |
//! |---|---|---|
//! | [`base`] | plain values and pure functions | small crates |
//! | [`host`] | the operating system: accounts, files that only root can write, the log | base |
//! | [`messages`] | what a person reads, in six languages | base |
//! | [`client`] | HTTP, and Authy's API; nothing of Unix users, configuration, PAM | base; `authy` uses `http` |
//! | [`store`] | what is on the disk: configuration, mapping, limits, recovery codes | base, host |
//! | [`factor`] | what proves a person | `authy`: base, client; `decoy`: base; `connect`, which names every provider: client, store, `host::ca_file` |
//! | [`login`] | a whole login, without PAM, sockets or files | base, messages, store; of host: `address`, `ssh_key`, `account::Spelling` |
//! | [`engine`] | the outcome of a login: the audit log | all of the above |
//! | `pam` | PAM's C interface | base, `host::trusted_file`, `host::journal`; `pam/module.rs`, which wires a login: everything above |
//! | `pam_app` | libpam's application side | base |
//! | `bin/` | the programs | `authyctl`: all but pam; `authy-sim`: nothing of this crate |
//!
//! # Words
//!
//! One thing has one name, in the code, the documentation and the log.
//!
//! | word | meaning |
//! |---|---|
//! | user, account | the login name that PAM gives; its Unix account |
//! | person | the human who uses a user name, as the mapping (`users.toml`) says |
//! | subject | the user whose factor is required: the user, or the caller (`whose`) |
//! | second factor, factor | what proves the person: a code or push of Authy, or a recovery code. The mapping can already name factors of Twilio Verify, TOTP and security keys; a login skips them |
//! | code | the digits that a person types; a *token* in Authy's API, and in the fixed names of the configuration |
//! | push | an approval request on the phone |
//! | channel | how a code is sent: by SMS or call |
//! | provider | a service that checks factors: today only Authy |
//! | service | PAM's name of the application: `sshd`, `sudo` |
//! | required, exempt, unenrolled | what the policy answers |
//! | decoy | the factor of an unenrolled user: it looks like a person's and accepts nothing |
//! | attempt (`Attempt`) | one call of the module |
//! | attempts (a number) | the replies of that call that were used up |
//! | outcome | what came of the call |
//! | verdict, reason | accepted, ignored, refused, unavailable or error; and why |
//! | enroll | give a user an entry in the mapping |
//! | dialog | the prompts and replies of one login |
//! | step | what follows a reply: the next prompt, a refusal or the end |
//! | preconnect | open the connection to a provider while the person reads the prompt (the key `warm_up`) |
//!
//! # Trust boundaries
//!
//! Not trusted: the person at the prompt, the network, the providers' answers (only the provider's
//! client decides what is a yes: for Authy, `reply` for codes and `approvals` for pushes), the
//! environment, resource limits and signals of the calling process, and other local users' files.
//! Trusted: root, and files that only root can write. A process whose real and effective user are
//! the same user also trusts that user's files (`host::trusted_file`).
//!
//! `unsafe` code is in three files: the C calls of the module, libpam's application side, and the
//! memory that processes share (`engine::shared_words`).

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
#[cfg(any(feature = "engine", feature = "module"))]
pub mod protocol;
#[cfg(feature = "engine")]
pub mod store;
