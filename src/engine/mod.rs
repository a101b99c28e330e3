//! What happens to the result of a login: its lines in the log. Called by `pam::module`.

pub mod audit;
