//! A fleet whose people are in a directory: `authyctl sync` against a real slapd (`servers`,
//! `lists`, `people`) and against servers that answer wrongly (`hostile`), and logins on hosts
//! that sync (`hosts`). `page` types docs/fleet.md. `large` has a hundred thousand people, for
//! `make check-long`.
//!
//! scripts/peers.sh fetches slapd; scripts/check.sh skips what needs it where it is not available.

mod host;
mod hostile;
mod hosts;
mod large;
mod lists;
mod page;
mod people;
mod proxy;
mod servers;
mod slapd;
