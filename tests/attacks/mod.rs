//! Attacks of an unprivileged local user on real su, which worked against the first edition of the
//! module and must fail now.
//!
//! The first edition did a whole login inside su's process, and that process belongs to its caller:
//! the caller may stop, kill and starve it, and read its sockets' queues in /proc. Each attack here
//! is carried out by [`attacker`], a process of the user mallory, against the stack of [`target`].
//! [`edition`] says which module is attacked, and so what must come of it: scripts/first-edition.sh
//! runs the same attacks against the first edition, where each must succeed.

mod attacker;
mod cgroup;
mod edition;
mod guesses;
mod instants;
mod locks;
mod network;
mod outage;
mod su;
mod target;
mod watch;
