//! The files on disk: the configuration, the mapping, and the state that lasts across logins.
//!
//! A file counts only if [`crate::host::trusted_file`] accepts it. `login` sees the counts and
//! recovery codes through the traits [`limits::Limits`] and [`recovery::Recovery`].

pub mod addresses;
pub mod config;
pub mod directory;
#[cfg(feature = "admin")]
pub mod edit;
pub mod former;
mod index;
pub mod limits;
pub mod people;
pub mod recovery;
pub mod remember;
pub mod state;
mod state_index;
pub mod totp;
pub mod twilio;
pub mod users;
pub mod verdicts;
