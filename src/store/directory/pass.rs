//! What a pass follows, and what comes of it. Called by `compare`, which makes these, and by
//! `authyctl sync`, which shows them.

use std::time::SystemTime;

use super::{Directory, HeldChange};
use crate::base::factor::Person;
use crate::store::config::Changes;

/// What a pass follows.
#[derive(Debug, Clone)]
pub struct Options {
    /// What happens when a known person's factors change.
    pub changes: Changes,
    /// How many of the people who are known may be gone, in percent.
    pub max_removed_percent: u8,
    /// The names whose held change counts from now on.
    pub accept: Vec<String>,
    /// The names that are as if they had never been seen.
    pub forget: Vec<String>,
    /// The time of the pass.
    pub now: SystemTime,
}

/// What came of a pass. Every list is sorted by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pass {
    /// What is known next.
    pub next: Directory,
    /// New people.
    pub added: Vec<String>,
    /// People whose new factors count without being accepted, by `changes = "apply"`.
    pub changed: Vec<Changed>,
    /// Names that the directory has lost since the last pass.
    pub removed: Vec<String>,
    /// All changes that are held.
    pub held: Vec<HeldChange>,
    /// New names whose entry cannot be used.
    pub failed: Vec<LeftOut>,
    /// Changes that were accepted.
    pub accepted: Vec<Changed>,
    /// Names that were forgotten.
    pub forgotten: Vec<String>,
    /// Names that could not be accepted or forgotten.
    pub refused: Vec<LeftOut>,
    /// People who are not the ones they were: what lasts of them must end before `next` is written.
    pub ended: Vec<Ended>,
}

/// Factors that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The login name.
    pub name: String,
    /// The factors before, if any could be used.
    pub before: Option<Person>,
    /// The factors from now on.
    pub after: Person,
}

/// A name that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The login name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A person who is not the one of before: no factor was kept, or the name was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The login name.
    pub name: String,
    /// The person before.
    pub before: Option<Person>,
    /// The person from now on.
    pub after: Option<Person>,
}

/// More names are gone than may be: nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooManyRemoved {
    /// The directory lists no one.
    #[error("the directory lists no one, and {known} people are known")]
    All {
        /// How many are known.
        known: usize,
    },
    /// More than `max_removed_percent`.
    #[error(
        "{} of {known} people are gone from the directory, more than max_removed_percent = {limit}",
        names.len()
    )]
    Some {
        /// The names that are gone.
        names: Vec<String>,
        /// How many were known.
        known: usize,
        /// How many may be gone, in percent.
        limit: u8,
    },
}
