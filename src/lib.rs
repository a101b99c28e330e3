//! A second factor for Linux logins. `pam_authy.so` runs inside sshd, sudo or su, and connects to
//! `pam_authyd`, a service with one process for each login. That engine asks the person at the
//! prompt for a second factor, and the login succeeds only when it was proven. A login that the
//! configuration exempts, an unenrolled user where `unenrolled = "ignore"` or until `enroll_by`,
//! and an outage where `when_unavailable = "ignore"` get PAM_IGNORE instead. A remembered login
//! needs no new proof.
//!
//! # Programs and features
//!
//! | program | feature | what it is |
//! |---|---|---|
//! | `pam_authy.so` | `module` | the PAM module: reads PAM's items, relays the conversation, turns
//! a verdict into a PAM code |
//! | `pam_authyd` | `engine` | the login engine: files, policy, factors, network, limits, audit; a
//! service with one process for each login |
//! | `authyctl` | `admin` (default) | everything an administrator does |
//! | `authy-sim` | `sim` | a simulator of the Authy service; shares no code with the others |
//!
//! In su and sudo the application's process belongs to the caller, who may stop, kill, starve and
//! limit it. So nothing that decides runs there: no network, no thread, no state, no configuration.
//!
//! `client` is the library for other programs: the HTTP clients, without PAM, files or an
//! allocator; `examples/check_code.rs` is such a program. A feature only adds code; none removes
//! any.
//!
//! # The flow of a login
//!
//! Read `login/mod.rs`, then `engine/wiring/mod.rs` (`Case::decide`), `engine/session.rs` and
//! `pam/module.rs`.
//!
//! ```text
//!  1. pam::items       PAM's items and environment          → protocol::Start (with the Attempt)
//!  2. pam::connect     the service, or may one be started?  → Channel
//!  3. engine::session  the module's first message           → Attempt, arguments
//!  4. store::config    config.toml, the service's rules     → Config, config::Login
//!  5. login::policy    whose factor; is one required?
//!                      [exempt], users.toml, directory.toml → Requirement (with the Person)
//!  6. store::remember  was the same login just proven?      → the end, or go on
//!  7. factor::connect  the person's factor, or a decoy      → SecondFactor
//!  8. login            prompt ⇄ protocol ⇄ pam ⇄ person,
//!                      code ⇄ provider;
//!                      store::limits, store::recovery       → Outcome
//!  9. engine::session  Verdict to the module, and its       → Confirmation
//!                      confirmation where it lets in
//! 10. store::remember  stores a login that a code or push proved
//! 11. engine::audit    one line in the log
//! 12. pam              Verdict                              → PAM code
//! ```
//!
//! Any step may end the login early; step 12 always follows, and step 11 wherever an engine took
//! part (before step 9 for a refusal); without one the module writes the line. Nothing is kept
//! between logins but what [`store`] keeps.
//!
//! # Layers
//!
//! `ls src` is the architecture. A layer may use only what its row names; `tests/layering` checks
//! it.
//!
//! | layer | what it knows | may use |
//! |---|---|---|
//! | [`base`] | plain values and pure functions | small crates |
//! | [`protocol`] | the messages between module and engine, without I/O | base |
//! | [`host`] | the operating system: accounts, files that only root can write, the log; `socket`:
//! the channel between module and engine | base |
//! | [`messages`] | what a person reads, in six languages | base |
//! | [`client`] | HTTP, and the APIs of Authy and Twilio Verify; nothing of Unix users,
//! configuration, PAM | base; `authy` and `twilio` use `http` |
//! | [`store`] | what is on the disk: configuration, mapping, limits, recovery codes | base, host |
//! | [`factor`] | what proves a person | `authy`, `twilio`: base, client; `totp`: base, store;
//! `decoy`: base; `connect`, which names them all: client, store, `host::ca_file` |
//! | [`login`] | a whole login, without PAM, sockets or files | base, messages, store; of host:
//! `address`, `ssh_key`, `account::Spelling` |
//! | [`engine`] | the service, and one login from the module's first message to the audit line; its
//! process | all of the above |
//! | `pam` | PAM's C interface, and how an engine is reached or started | base, protocol,
//! `host::trusted_file`, `host::socket`, `host::journal`, `host::errno` |
//! | `pam_app` | libpam's application side | base |
//! | `bin/` | the programs | `authyctl`: all but pam; `pam_authyd`: engine; `authy-sim`: nothing of
//! this crate |
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
//! | second factor, factor | what proves the person: a code or push of Authy, a code that Twilio
//! Verify sends or checks, a code of an app that this host checks (TOTP), a recovery code, or an SSH
//! security key that sshd has accepted |
//! | code | the digits that a person types; a *token* in Authy's API, and in the fixed names of the
//! configuration |
//! | push | an approval request on the phone |
//! | channel | how a code is sent: by SMS or call |
//! | provider | a service that checks factors: Authy, Twilio Verify |
//! | module · engine | `pam_authy.so` · `pam_authyd`: the half in the application's process, and
//! the half that decides |
//! | socket · spawn | the two paths to an engine: by the socket of our service · started by the
//! module |
//! | listener | the process of our service that accepts connections |
//! | locker | a program that asks PAM as a plain user, such as a screen locker |
//! | service | PAM's name of the application: `sshd`, `sudo`. *The* service: `pam_authyd --listen`
//! |
//! | required, exempt, unenrolled | what the policy answers |
//! | decoy | the factor of an unenrolled user: it looks like a person's and accepts nothing |
//! | attempt (`Attempt`) | one call of the module |
//! | attempts (a number) | the replies of that call that were used up |
//! | outcome | what came of the call |
//! | verdict, reason | accepted, ignored, refused, unavailable or error; and why |
//! | enroll | give a user an entry in the mapping |
//! | dialog | the prompts and replies of one login |
//! | step | what follows a reply: the next prompt, a refusal or the end |
//! | preconnect | open the connection to a provider while the person reads the prompt (the key
//! `warm_up`) |
//!
//! # Trust boundaries
//!
//! Not trusted: the person at the prompt, the network, the providers' answers (only the provider's
//! client decides what is a yes: for Authy, `reply` for codes and `approvals` for pushes; for
//! Twilio, its `reply`), the application's process where its caller is not root (environment,
//! resource limits, signals, control group, terminal), and other local users' files. Neither half
//! trusts the bytes of the other; the engine believes what a module in a root process says of uids
//! and session, where the kernel says the same of its uids. Of a plain user's process it takes the
//! user name, if it is the one of its uid, and the replies. Trusted: root, and files that only root
//! can write. A process whose real and effective user are the same user also trusts that user's
//! files (`host::trusted_file`).
//!
//! `unsafe` code is in six files: the C calls of the module (`pam/ffi.rs`), the start of an engine
//! (`pam/spawn.rs`), the socket that the engine takes over (`engine/descriptor.rs`), the process of
//! a login (`engine/service/fork.rs`), the memory that processes share (`engine/shared_words.rs`),
//! and libpam's application side (`pam_app.rs`).

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
