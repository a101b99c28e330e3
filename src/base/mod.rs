//! Plain values and pure functions that every layer shares: secrets, text, time, the data of a
//! login, and the trait of a second factor.
//!
//! It uses nothing else of this crate, does no I/O, and reads no clock but through
//! [`deadline::Clock`].

pub mod arguments;
pub mod attempt;
pub mod audit_line;
pub mod date;
pub mod deadline;
pub mod factor;
pub mod fields;
pub mod language;
pub mod question;
pub mod reply;
pub mod secret;
pub mod service;
pub mod text;
pub mod utc;
