//! The login engine: one process that decides one login, out of reach of the application's caller.
//!
//! `session` is the dialog with the module from the first message to the last; `service` listens
//! for modules and makes a process for each, and `locker` is what differs for a plain user's.
//! `wiring` joins files, policy, factor and limits to a decision, `conversation` brings the
//! questions of `login` to the module, `enrollment` is the app that a person adds at the prompt,
//! `isolation` takes the process out of its caller's reach, `shared_words` is the memory behind the
//! counts, and `audit` writes the log. Called by `bin/pam_authyd`.

pub mod audit;
mod conversation;
#[expect(
    unsafe_code,
    reason = "takes over the descriptor that the module left open"
)]
mod descriptor;
mod enrollment;
mod isolation;
mod locker;
pub mod service;
mod session;
#[expect(unsafe_code, reason = "maps files into memory")]
pub mod shared_words;
mod wiring;

pub use descriptor::adopt;
pub use session::serve;
