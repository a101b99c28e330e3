//! The implementations of [`SecondFactor`](crate::base::factor::SecondFactor), one file per
//! provider.
//!
//! [`connect`] is the only place that names them all. A factor knows its provider's client and
//! nothing of PAM, prompts or limits.

pub mod authy;
mod combined;
pub mod connect;
mod decoy;
pub mod totp;
pub mod twilio;
