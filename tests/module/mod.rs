//! The third ring: the product through real libpam, and in real sshd and real sudo.

mod bad_files;
mod doctor;
mod faults;
mod libpam;
mod sshd;
mod sudo;
mod warm_up;
