//! The records of one login: the way to each folder of the counts is walked and checked once, and
//! each file is opened and mapped once, since a login uses its few records again and again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::entry::{Entry, LIMITS};
use super::slot::Slot;
use crate::store::state::{Error, Folder, MapWords, WordFile};

/// The name of a folder in that of the counts; `None`: that folder itself.
type Name = Option<&'static str>;

/// Opens records in a state folder.
#[derive(Debug)]
pub(super) struct Records {
    state: PathBuf,
    map: MapWords,
    folders: RefCell<BTreeMap<Name, Rc<Folder>>>,
    files: RefCell<BTreeMap<(Name, String), Rc<WordFile>>>,
}

impl Records {
    /// The records in this state folder. Opens nothing yet.
    pub(super) fn new(state: &Path, map: MapWords) -> Self {
        Self {
            state: state.to_owned(),
            map,
            folders: RefCell::default(),
            files: RefCell::default(),
        }
    }

    /// Opens the record of an entry, and creates it when there is none.
    pub(super) fn claim(&self, entry: &Entry, now: u64) -> Result<Slot, Error> {
        if let Some(file) = self.kept(entry) {
            return Ok(entry.claim_record(file, now));
        }
        let opened = self.opened(entry.folder());
        let file = match opened.map(|folder| entry.make_file(&folder, self.map)) {
            Some(Ok(file)) => file,
            // The folder was not opened yet, or was removed meanwhile.
            _ => {
                let folder = self.make_folder(entry)?;
                entry.make_file(&folder, self.map)?
            }
        };
        Ok(entry.claim_record(self.keep(entry, file), now))
    }

    /// Opens the record of an entry; `None` when there is none, or it cannot be opened.
    pub(super) fn find(&self, entry: &Entry) -> Option<Slot> {
        if let Some(file) = self.kept(entry) {
            return entry.find_record(file);
        }
        let folder = self.find_folder(entry)?;
        let file = entry.find_file(&folder, self.map).ok().flatten()?;
        entry.find_record(self.keep(entry, file))
    }

    /// The file of an entry, where it is opened and was not removed meanwhile.
    fn kept(&self, entry: &Entry) -> Option<Rc<WordFile>> {
        let key = (entry.folder(), entry.file.clone());
        let file = self.files.borrow().get(&key).map(Rc::clone)?;
        if file.is_linked() {
            return Some(file);
        }
        self.files.borrow_mut().remove(&key);
        None
    }

    fn keep(&self, entry: &Entry, file: WordFile) -> Rc<WordFile> {
        let file = Rc::new(file);
        let key = (entry.folder(), entry.file.clone());
        self.files.borrow_mut().insert(key, Rc::clone(&file));
        file
    }

    fn opened(&self, name: Name) -> Option<Rc<Folder>> {
        self.folders.borrow().get(&name).map(Rc::clone)
    }

    fn keep_folder(&self, name: Name, folder: Folder) -> Rc<Folder> {
        let folder = Rc::new(folder);
        let kept = Rc::clone(&folder);
        self.folders.borrow_mut().insert(name, kept);
        folder
    }

    /// Opens the folder of an entry, which is made when it is missing.
    fn make_folder(&self, entry: &Entry) -> Result<Rc<Folder>, Error> {
        let below = |limits: &Folder| entry.folder().map(|name| limits.sub(name)).transpose();
        // That of all counts may have been removed meanwhile.
        if let Some(limits) = self.opened(None)
            && let Ok(Some(folder)) = below(&limits)
        {
            return Ok(self.keep_folder(entry.folder(), folder));
        }
        let limits = self.keep_folder(None, Folder::open(&self.state)?.sub(LIMITS)?);
        Ok(match below(&limits)? {
            Some(folder) => self.keep_folder(entry.folder(), folder),
            None => limits,
        })
    }

    /// Opens the folder of an entry; `None` when there is none, or it cannot be opened.
    fn find_folder(&self, entry: &Entry) -> Option<Rc<Folder>> {
        if let Some(folder) = self.opened(entry.folder()) {
            return Some(folder);
        }
        let limits = match self.opened(None) {
            Some(limits) => limits,
            None => self.keep_folder(None, Folder::find(&self.state, &[LIMITS]).ok().flatten()?),
        };
        let Some(name) = entry.folder() else {
            return Some(limits);
        };
        let folder = limits.find_sub(name).ok().flatten()?;
        Some(self.keep_folder(entry.folder(), folder))
    }
}
