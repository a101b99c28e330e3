//! The operating system: accounts, addresses, network interfaces, SSH keys, file locks, files that
//! only root can write, the log, and the channel between module and engine.

#[cfg(feature = "engine")]
pub mod account;
#[cfg(feature = "engine")]
pub mod address;
#[cfg(feature = "engine")]
pub mod ca_file;
pub(crate) mod errno;
pub mod journal;
#[cfg(feature = "engine")]
pub mod journald;
#[cfg(feature = "engine")]
pub mod lock;
#[cfg(feature = "engine")]
pub mod network;
pub mod socket;
#[cfg(feature = "engine")]
pub mod ssh_key;
#[cfg(feature = "engine")]
pub mod toml_file;
pub mod trusted_file;
