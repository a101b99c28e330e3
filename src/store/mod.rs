//! What lies on the disk: the configuration, the mapping, and what lasts across logins.

pub mod config;
pub mod limits;
pub mod recovery;
pub mod remember;
pub mod state;
pub mod users;
