//! The implementations of [`SecondFactor`](crate::base::factor::SecondFactor), one file for each
//! provider, and the one place that names them all.

pub mod authy;
pub mod connect;
mod decoy;
