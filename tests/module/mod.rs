//! The third ring: the product through real libpam, and in real sshd and real sudo.

mod across_calls;
mod bad_files;
mod doctor;
mod faults;
mod libpam;
mod policy;
mod push;
mod sshd;
mod sudo;
mod warm_up;
