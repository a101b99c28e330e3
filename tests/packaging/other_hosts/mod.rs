//! The packages that are built here, on another release of Debian, with its sshd, sudo, sudo-rs,
//! doas, su, login and polkit: `make check-hosts`, and for Debian 13 a part of `make check-long`.
//!
//! `PAM_AUTHY_HOST` names the folder below target/peers: `debian-13`, or `debian-sid`, which moves
//! and is tried by hand. systemd does not run there: the tests start the service themselves.

mod host;
mod lifecycle;
mod programs;
mod sshd;
