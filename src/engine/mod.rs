//! What becomes of a login once it is decided: its lines in the log.

pub mod audit;
