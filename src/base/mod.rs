//! What every layer shares: plain values and pure functions. It uses nothing else of this crate.

pub mod attempt;
pub mod deadline;
pub mod process;
pub mod secret;
pub mod text;
