//! Which codes of an app were used: the last time step that was accepted for each secret.
//!
//! One word in shared memory for each secret, which is changed by one exchange: of many logins with
//! one code one wins, and a process that is stopped or killed delays no other. A login records the
//! step before it is accepted, and waits until the disk has it. The file's name is a digest of the
//! secret, so a new secret starts afresh, and two names with one secret share their steps. Root alone
//! can write the file.

use std::path::{Path, PathBuf};

use crate::base::factor::TotpId;
use crate::store::state::{Error, Failure, Folder, Format, MapWords, WordFile};

/// The folder of the files, and what they look like: when the last accepted step began, in seconds
/// since 1970; zero: none was accepted. The time and not the number of the step, so that another
/// period of the same secret makes no used code new.
const FOLDER: &str = "totp";
const STEP: Format = Format {
    magic: u64::from_be_bytes(*b"\0\0totpst"),
    version: 1,
    words: 1,
};
/// How often a file that is removed at the same time is opened again.
const TRIES: u32 = 8;

/// The last steps in the state folder.
#[derive(Debug, Clone)]
pub struct Steps {
    state: PathBuf,
    map: MapWords,
}

/// What came of a step that was to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The step was not used before, and is now.
    New,
    /// This step or a later one was used. The last one began at this time, in seconds since 1970.
    Used(u64),
}

impl Steps {
    /// The steps in this state folder. Opens nothing yet.
    #[must_use]
    pub fn new(state: &Path, map: MapWords) -> Self {
        Self {
            state: state.to_owned(),
            map,
        }
    }

    /// Uses up the earliest of the steps that begin at these `times` (seconds since 1970, in
    /// ascending order) and after the last one that was used. The disk has it when this returns.
    ///
    /// # Errors
    /// It could not be recorded, and no code of it must be accepted. It may be used up.
    pub fn record(&self, id: TotpId, times: &[u64]) -> Result<Recorded, Failure> {
        for _ in 0..TRIES {
            let (folder, file) = self.open(id)?;
            if let Err(last) = exchange(&file, times) {
                return Ok(Recorded::Used(last));
            }
            // A step in a file that was removed meanwhile is recorded nowhere.
            if file.is_linked() {
                file.sync()
                    .map_err(|error| folder.failed(&name(id), &error))?;
                return Ok(Recorded::New);
            }
        }
        let why = "the file of used codes was removed again and again";
        Err(Failure::State(why.to_owned()))
    }

    /// When the last step that was used began, in seconds since 1970; `None` when none was.
    ///
    /// # Errors
    /// The file cannot be trusted or read.
    pub fn last(&self, id: TotpId) -> Result<Option<u64>, Error> {
        let Some(folder) = self.folder()? else {
            return Ok(None);
        };
        let name = name(id);
        let Some(bytes) = folder.read(&name)? else {
            return Ok(None);
        };
        let words = (STEP.decode(&bytes)).map_err(|why| folder.unreadable(&name, why))?;
        Ok(words.first().copied().filter(|time| *time > 0))
    }

    /// Makes the file of a secret ahead, so that a code can be recorded when the disk is full.
    ///
    /// # Errors
    /// It could not be made, or cannot be used.
    pub fn prepare(&self, id: TotpId) -> Result<(), Error> {
        self.open(id).map(drop)
    }

    /// Forgets the last step of a secret that stays in use, in place, so that a full disk does not
    /// matter; a damaged file is removed. Returns whether there was one.
    ///
    /// # Errors
    /// The step still counts.
    pub fn reset(&self, id: TotpId) -> Result<bool, Error> {
        match self.last(id) {
            Err(error) if error.is_corrupt() => return self.forget(id),
            last => {
                if last?.is_none() {
                    return Ok(false);
                }
            }
        }
        let (folder, file) = self.open(id)?;
        file.update(0, |_| 0);
        file.sync()
            .map_err(|error| folder.failed(&name(id), &error))?;
        Ok(true)
    }

    /// Removes what is kept of a secret that is no longer in use. Returns whether there was
    /// something.
    ///
    /// # Errors
    /// The file is still there.
    pub fn forget(&self, id: TotpId) -> Result<bool, Error> {
        let Some(folder) = self.folder()? else {
            return Ok(false);
        };
        let had_one = folder.unlink(&name(id))?;
        folder.sync()?;
        Ok(had_one)
    }

    /// Returns an error for each file that cannot be used.
    ///
    /// # Errors
    /// The folder cannot be trusted or read.
    pub fn unreadable(&self) -> Result<Vec<Error>, Error> {
        Folder::faults(&self.state, FOLDER, |bytes| {
            STEP.decode(bytes.unwrap_or_default())
        })
    }

    fn folder(&self) -> Result<Option<Folder>, Error> {
        Folder::find(&self.state, &[FOLDER])
    }

    /// Opens the file of a secret, which is made when it is missing.
    fn open(&self, id: TotpId) -> Result<(Folder, WordFile), Error> {
        let folder = Folder::open(&self.state)?.sub(FOLDER)?;
        let name = name(id);
        if let Some(file) = folder.find_words(&name, STEP, self.map)? {
            return Ok((folder, file));
        }
        let file = folder.words(&name, STEP, self.map)?;
        // What is recorded in the file must not be lost with its name.
        folder.sync()?;
        Ok((folder, file))
    }
}

/// Sets the word to the earliest time that is later; the error is the word when none is.
fn exchange(file: &WordFile, times: &[u64]) -> Result<(), u64> {
    loop {
        let last = file.load(0);
        let time = times.iter().copied().find(|time| *time > last);
        if file.exchange(0, last, time.ok_or(last)?) {
            return Ok(());
        }
    }
}

/// The name of a secret's file.
fn name(id: TotpId) -> String {
    id.to_string()
}
