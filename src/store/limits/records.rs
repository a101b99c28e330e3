//! The records of one login: the way to each folder of the counts is walked and checked once, since
//! a login opens its few records again and again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::entry::Entry;
use super::slot::Slot;
use crate::store::state::{Error, Folder, MapWords};

/// Opens records in a state folder.
#[derive(Debug)]
pub(super) struct Records {
    state: PathBuf,
    map: MapWords,
    folders: RefCell<BTreeMap<Option<&'static str>, Rc<Folder>>>,
}

impl Records {
    /// The records in this state folder. Opens nothing yet.
    pub(super) fn new(state: &Path, map: MapWords) -> Self {
        Self {
            state: state.to_owned(),
            map,
            folders: RefCell::default(),
        }
    }

    /// Opens the record of an entry, and creates it when there is none.
    pub(super) fn claim(&self, entry: &Entry, now: u64) -> Result<Slot, Error> {
        let opened = self.opened(entry);
        if let Some(Ok(slot)) = opened.map(|folder| entry.claim_in(&folder, self.map, now)) {
            return Ok(slot);
        }
        // The folder was not opened yet, or was removed meanwhile.
        let folder = entry.make_folder(&self.state)?;
        entry.claim_in(&self.keep(entry, folder), self.map, now)
    }

    /// Opens the record of an entry; `None` when there is none, or it cannot be opened.
    pub(super) fn find(&self, entry: &Entry) -> Option<Slot> {
        let folder = match self.opened(entry) {
            Some(folder) => folder,
            None => self.keep(entry, entry.find_folder(&self.state).ok().flatten()?),
        };
        entry.find_in(&folder, self.map).ok().flatten()
    }

    fn opened(&self, entry: &Entry) -> Option<Rc<Folder>> {
        self.folders.borrow().get(&entry.folder()).map(Rc::clone)
    }

    fn keep(&self, entry: &Entry, folder: Folder) -> Rc<Folder> {
        let folder = Rc::new(folder);
        let kept = Rc::clone(&folder);
        self.folders.borrow_mut().insert(entry.folder(), kept);
        folder
    }
}
