//! The third ring of tests: the product through real libpam, and in real sshd, sudo and su.

mod across_calls;
mod app_alone;
mod bad_files;
mod caller;
mod doctor;
mod engine;
mod factors;
mod fail2ban;
mod faults;
mod guest;
mod last_notice;
mod leaving;
mod libpam;
mod many;
mod matrix;
mod messages;
mod policy;
mod providers;
mod push;
mod secrets;
mod shared;
pub(crate) mod sshd;
mod su;
mod sudo;
mod totp;
mod warm_up;
