//! The operating system: accounts, addresses, network interfaces, SSH keys, file locks, and files
//! that only root can write.

pub mod account;
pub mod address;
pub mod ca_file;
#[cfg(feature = "engine")]
pub mod journal;
pub mod lock;
#[cfg(feature = "engine")]
pub mod network;
pub mod ssh_key;
pub mod toml_file;
pub mod trusted_file;
