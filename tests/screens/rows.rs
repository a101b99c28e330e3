//! A row of the table of screens: what is set up, what the person runs and types, and when the
//! screen is complete.

use std::fmt;

use super::person::{End, Step};
use super::world::World;

/// What the person runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Ssh,
    Sudo,
    Su,
    /// authyctl, which root runs.
    Enroll,
}

impl Program {
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Ssh => "ssh gate",
            Self::Sudo => "sudo id",
            Self::Su => "su -c id",
            Self::Enroll => "authyctl enroll pat --totp",
        }
    }
}

/// One screen.
pub(super) struct Row {
    pub(super) heading: &'static str,
    pub(super) program: Program,
    /// Lines of `[login]`, beside `refusal_seconds = 0`.
    pub(super) login: &'static str,
    /// Further tables of config.toml.
    pub(super) tables: &'static str,
    /// What happens before.
    pub(super) before: fn(&World),
    pub(super) steps: &'static [Step],
    pub(super) end: End,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.heading)
    }
}

/// A row whose screen ends with the shell.
pub(super) const fn row(heading: &'static str, program: Program, steps: &'static [Step]) -> Row {
    Row {
        heading,
        program,
        login: "",
        tables: "",
        before: |_| (),
        steps,
        end: End::Shell,
    }
}

impl Row {
    pub(super) const fn login(mut self, login: &'static str) -> Self {
        self.login = login;
        self
    }

    pub(super) const fn tables(mut self, tables: &'static str) -> Self {
        self.tables = tables;
        self
    }

    pub(super) const fn before(mut self, before: fn(&World)) -> Self {
        self.before = before;
        self
    }

    /// The screen ends where `text` is there so many times.
    pub(super) const fn shows(mut self, text: &'static str, times: usize) -> Self {
        self.end = End::Shows(text, times);
        self
    }
}
