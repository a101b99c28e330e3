//! The third ring: the product through real libpam, and in real sshd and real sudo.

mod bad_files;
mod caller;
mod doctor;
mod faults;
mod guest;
mod libpam;
mod many;
mod matrix;
mod secrets;
mod sshd;
mod su;
mod sudo;
