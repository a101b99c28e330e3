//! Where the counts of a user, a factor, an address and this host are.
//!
//! An enrolled user, a factor and the host have a file each. Names that are not enrolled, and
//! addresses, can be chosen by anyone, so each kind shares 256 files by hash, each with a fixed
//! number of records: even a million names do not fill the disk, because the record that was not
//! used for the longest time is given to the next key. Called by [`super`] and by `admin`.

use std::net::IpAddr;
use std::path::Path;
use std::rc::Rc;

use super::slot::{KEY, OWN_TEXT_END, SHARED_WORDS, Slot, TEXT, USED};
use super::word;
use crate::host::address;
use crate::store::state::{self, Error, Folder, Format, MapWords, WordFile};

/// "limits" in the first word of each file.
const MAGIC: u64 = u64::from_be_bytes(*b"\0\0limits");
const VERSION: u16 = 1;
/// How many records one of the 256 shared files has; 9,984 in all.
pub(super) const CAPACITY: usize = 39;

/// A file of its own: with the first word 4096 bytes.
pub(super) const OWN: Format = Format {
    magic: MAGIC,
    version: VERSION,
    words: 511,
};
/// A shared file.
pub(super) const SHARED: Format = Format {
    magic: MAGIC,
    version: VERSION,
    words: CAPACITY * SHARED_WORDS,
};

/// The folder of the counts in the state folder, the folders in it, and the file of the host.
pub(super) const LIMITS: &str = "limits";
pub(super) const USERS: &str = "users";
pub(super) const FACTORS: &str = "factors";
pub(super) const UNENROLLED: &str = "strangers";
pub(super) const ADDRESSES: &str = "addresses";
pub(super) const HOST: &str = "host";

/// Where the counts of one user, factor or address are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The folder in `limits`; `None`: that folder itself.
    folder: Option<&'static str>,
    pub(super) file: String,
    /// The key of the record in the file; never zero.
    pub(super) key: u64,
    /// What is stored in the record for `authyctl`.
    text: String,
}

impl Entry {
    /// The entry of a user, who may be enrolled or not.
    pub(super) fn of_user(user: &str, enrolled: bool) -> Self {
        if enrolled {
            return Self::own(Some(USERS), &state::file_name(user), user);
        }
        // Only the hash is stored, because the name may be a password that was typed by mistake.
        let text = String::new();
        Self {
            text,
            ..Self::shared(UNENROLLED, user)
        }
    }

    /// The entry of a factor, by the text that is stored of it.
    pub(super) fn of_factor(id: &str) -> Self {
        Self::own(Some(FACTORS), &state::file_name(id), "")
    }

    /// Whether an id that is stored is one of an app at Twilio.
    pub(super) fn is_of_twilio(id: &str) -> bool {
        id.starts_with("twilio_factor=")
    }

    /// The entry of an address ([`address::counted`]). A login without an address counts by its real
    /// uid.
    pub(super) fn of_address(address: Option<IpAddr>, uid: u32) -> Self {
        let key = address.map_or_else(|| format!("uid:{uid}"), address::counted);
        Self::shared(ADDRESSES, &key)
    }

    /// The entry of this host.
    pub(super) fn of_host() -> Self {
        Self::own(None, HOST, "")
    }

    fn own(folder: Option<&'static str>, file: &str, text: &str) -> Self {
        Self {
            folder,
            file: file.to_owned(),
            key: key_of(file),
            text: text.to_owned(),
        }
    }

    /// An entry in one of the 256 shared files.
    fn shared(folder: &'static str, text: &str) -> Self {
        let hash = state::file_name(text);
        Self {
            folder: Some(folder),
            file: hash.chars().take(2).collect(),
            key: key_of(&hash),
            text: text.to_owned(),
        }
    }

    /// Whose counts these are, for the log; `user` is the user's name in quotes.
    pub(super) fn shown(&self, user: &str) -> String {
        match (self.folder, self.text.strip_prefix("uid:")) {
            (None, _) => "this host".to_owned(),
            (Some(ADDRESSES), Some(uid)) => format!("logins of uid {uid} without an address"),
            (Some(ADDRESSES), None) => self.text.clone(),
            _ => user.to_owned(),
        }
    }

    /// The end of the keys in `[limits]`.
    pub(super) fn kind(&self) -> &'static str {
        match self.folder {
            None => "host",
            Some(ADDRESSES) => "address",
            Some(_) => "user",
        }
    }

    fn is_shared(&self) -> bool {
        [Some(UNENROLLED), Some(ADDRESSES)].contains(&self.folder)
    }

    fn format(&self) -> Format {
        if self.is_shared() { SHARED } else { OWN }
    }

    /// Opens the record; `None` when there is none.
    pub(super) fn find(&self, state: &Path, map: MapWords) -> Result<Option<Slot>, Error> {
        match self.find_folder(state)? {
            Some(folder) => {
                let file = self.find_file(&folder, map)?;
                Ok(file.and_then(|file| self.find_record(Rc::new(file))))
            }
            None => Ok(None),
        }
    }

    /// Opens the file of the record in the folder of the entry; `None` when there is none.
    pub(super) fn find_file(
        &self,
        folder: &Folder,
        map: MapWords,
    ) -> Result<Option<WordFile>, Error> {
        folder.find_words(&self.file, self.format(), map)
    }

    /// The record in its file; `None` when there is none.
    pub(super) fn find_record(&self, file: Rc<WordFile>) -> Option<Slot> {
        let start = self
            .starts()
            .find(|start| file.load(start + KEY) == self.key)?;
        Some(Slot::new(file, start, self.key))
    }

    /// Reads the words of the record without mapping them; `None` when there is none.
    pub(super) fn peek(&self, state: &Path) -> Result<Option<Vec<u64>>, Error> {
        let Some(folder) = self.find_folder(state)? else {
            return Ok(None);
        };
        let Some(bytes) = folder.read(&self.file)? else {
            return Ok(None);
        };
        let words = self
            .format()
            .decode(&bytes)
            .map_err(|why| folder.unreadable(&self.file, why))?;
        let mut records = words.chunks(if self.is_shared() {
            SHARED_WORDS
        } else {
            OWN.words
        });
        let record = records.find(|record| record.get(KEY) == Some(&self.key));
        Ok(record.map(<[u64]>::to_vec))
    }

    /// Opens the record, and creates it when there is none.
    pub(super) fn claim(&self, state: &Path, map: MapWords, now: u64) -> Result<Slot, Error> {
        let file = self.make_file(&self.make_folder(state)?, map)?;
        Ok(self.claim_record(Rc::new(file), now))
    }

    /// Opens the file of the record in the folder of the entry, and creates it when there is none.
    pub(super) fn make_file(&self, folder: &Folder, map: MapWords) -> Result<WordFile, Error> {
        folder.words(&self.file, self.format(), map)
    }

    /// The record in its file, which is made when there is none.
    pub(super) fn claim_record(&self, file: Rc<WordFile>, now: u64) -> Slot {
        let start = self.claim_start(&file);
        let slot = Slot::new(file, start, self.key);
        slot.name(&self.text, self.text_words());
        slot.touch(now);
        slot
    }

    /// Removes the file, where the entry has one of its own. Returns whether there was one.
    pub(super) fn remove(&self, state: &Path) -> Result<bool, Error> {
        match self.find_folder(state)? {
            Some(folder) => folder.unlink(&self.file),
            None => Ok(false),
        }
    }

    /// The name of the entry's folder.
    pub(super) fn folder(&self) -> Option<&'static str> {
        self.folder
    }

    /// Opens the folder of the entry, which is made when it is missing.
    pub(super) fn make_folder(&self, state: &Path) -> Result<Folder, Error> {
        let limits = Folder::open(state)?.sub(LIMITS)?;
        match self.folder {
            Some(folder) => limits.sub(folder),
            None => Ok(limits),
        }
    }

    /// Opens the folder of the entry; `None` when there is none.
    pub(super) fn find_folder(&self, state: &Path) -> Result<Option<Folder>, Error> {
        let below: Vec<_> = [LIMITS].into_iter().chain(self.folder).collect();
        Folder::find(state, &below)
    }

    fn starts(&self) -> impl Iterator<Item = usize> {
        let count = if self.is_shared() { CAPACITY } else { 1 };
        (0..count).map(|number| number * SHARED_WORDS)
    }

    fn text_words(&self) -> usize {
        match self.is_shared() {
            true => SHARED_WORDS - TEXT,
            false => OWN_TEXT_END - TEXT,
        }
    }

    /// The first word of this key's record: the one that it has, a free one, or the one that was
    /// not used for the longest time. One exchange of the key gives it to this key.
    fn claim_start(&self, file: &WordFile) -> usize {
        loop {
            let keys: Vec<_> = self
                .starts()
                .map(|start| (start, file.load(start + KEY)))
                .collect();
            if let Some((start, _)) = keys.iter().find(|(_, key)| *key == self.key) {
                return *start;
            }
            let free = keys.iter().find(|(_, key)| *key == 0);
            let used = |start: usize| word::unpack_used(file.load(start + USED));
            let oldest = || keys.iter().min_by_key(|(start, _)| used(*start));
            if let Some((start, key)) = free.or_else(oldest)
                && file.exchange(start + KEY, *key, self.key)
            {
                return *start;
            }
        }
    }
}

/// The key of a record: 64 bits of a hash other than those that choose the file.
fn key_of(hash: &str) -> u64 {
    let digits = hash.get(2..18).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or_default() | 1
}
