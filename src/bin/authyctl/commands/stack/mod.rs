//! PAM stacks as libpam itself reads and runs them: the one model that `pam enable`, `doctor` and
//! `explain` share.
//!
//! `text` cuts a file into lines and words, `control` parses a control field, `files` knows where a
//! service and what it includes are looked for, `read` makes the list of handlers out of them, and
//! `machine` does what libpam does after each answer. `known` says what modules with a fixed answer
//! answer, `sources` which files our lines were made from, and `compare` proves that two stacks let
//! the same people in. Tests compare all of it with the real libpam.

mod compare;
mod control;
mod files;
mod known;
mod machine;
mod read;
mod sources;
mod text;

pub(crate) use self::compare::{Promise, compare};
pub(crate) use self::control::{Action, Actions, Code};
pub(crate) use self::files::{Files, PAM_DIR};
pub(crate) use self::known::{fixed_answer, is_our_module};
pub(crate) use self::machine::{Machine, Mode, target_of_jump, target_of_level};
pub(crate) use self::read::{Handler, Kind, Module, Place, Stack, read, read_type, types};
pub(crate) use self::sources::{COPY, Source, hash, sources};
