//! What every layer shares: plain values and pure functions. It uses nothing else of this crate.

pub mod arguments;
pub mod attempt;
pub mod deadline;
pub mod factor;
pub mod language;
pub mod process;
pub mod reply;
pub mod secret;
pub mod text;
