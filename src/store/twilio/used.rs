//! The codes of apps at Twilio that were accepted on this host, for the minutes in which an app could
//! show them: what Twilio does with a code that is typed twice is not documented.
//!
//! Words in shared memory, a file for each factor: the code and the time at which it was accepted.
//! Each is claimed by one exchange, so that of many logins with one code one wins, and a process that
//! is stopped or killed delays no other. The file's name is a digest of the factor's SID. It does not
//! help on another host.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::seconds;
use crate::base::factor::twilio::{TwilioFactor, UsedCodes};
use crate::base::factor::{self, Code, ErrorKind, Progress};
use crate::store::state::{self, Error, Failure, Folder, Format, MapWords, WordFile};

/// The folder of the files, and what they look like. A word has the time in its upper half, and the
/// code in its lower one.
const FOLDER: &str = "twilio-used";
const WORDS: usize = 32;
const USED: Format = Format {
    magic: u64::from_be_bytes(*b"\0twiused"),
    version: 1,
    words: WORDS,
};
/// How long a code counts as used, in seconds: two steps before and after its own, of 60 s each, as
/// Twilio allows at most.
const LIFETIME: u64 = 300;
/// How often a file that is removed at the same time is opened again.
const TRIES: u32 = 8;

/// The used codes in the state folder.
#[derive(Debug, Clone)]
pub struct UsedFiles {
    state: PathBuf,
    map: MapWords,
    now: fn() -> SystemTime,
}

/// Whether a word is in use: its code was accepted within the lifetime. A time after now is that of a
/// clock that was set back.
fn is_live(word: u64, now: u64) -> bool {
    word != 0 && now < (word >> 32) + LIFETIME
}

/// A code as half a word: its digits after a 1, so that leading zeros count.
fn packed(code: &Code) -> u64 {
    format!("1{}", code.digits())
        .parse()
        .unwrap_or(u64::MAX)
        .min(u64::from(u32::MAX))
}

impl UsedFiles {
    /// The used codes in this state folder. Opens nothing yet.
    #[must_use]
    pub fn new(state: &Path, map: MapWords, now: fn() -> SystemTime) -> Self {
        Self {
            state: state.to_owned(),
            map,
            now,
        }
    }

    /// Returns an error for each file that cannot be used.
    ///
    /// # Errors
    /// The folder cannot be trusted or read.
    pub fn unreadable(state: &Path) -> Result<Vec<Error>, Error> {
        Folder::faults(state, FOLDER, |bytes| {
            USED.decode(bytes.unwrap_or_default())
        })
    }

    fn record(&self, factor: &TwilioFactor, code: &Code) -> Result<bool, Failure> {
        let name = state::file_name(factor.as_str());
        for _ in 0..TRIES {
            let folder = Folder::open(&self.state)?.sub(FOLDER)?;
            let file = folder.words(&name, USED, self.map)?;
            // What is recorded in the file must not be lost with its name.
            folder.sync()?;
            let is_new = self.claim(&file, packed(code))?;
            // A code in a file that was removed meanwhile is recorded nowhere.
            if file.is_linked() {
                file.sync()
                    .map_err(|error| Failure::from(folder.failed(&name, &error)))?;
                return Ok(is_new);
            }
        }
        let why = "the file of used codes was removed again and again";
        Err(Failure::State(why.to_owned()))
    }

    /// Claims a word for the code; false where the file has it already. Every process tries the words
    /// in the same order, so that of two with one code one wins; it is refused to both where a word
    /// ran out between their looks.
    fn claim(&self, file: &WordFile, code: u64) -> Result<bool, Failure> {
        loop {
            let words: Vec<_> = (0..WORDS).map(|at| file.load(at)).collect();
            // Read after the words, so that a process which was stopped in between does not take its
            // own late clock for one that was set back.
            let now = seconds((self.now)());
            date_back(file, &words, now);
            if has(&words, code, now) {
                return Ok(false);
            }
            let free = words.iter().position(|word| !is_live(*word, now));
            let Some((at, old)) = free.and_then(|at| Some((at, *words.get(at)?))) else {
                let why = "too many codes were accepted within five minutes";
                return Err(Failure::State(why.to_owned()));
            };
            let time = now & u64::from(u32::MAX);
            if !file.exchange(at, old, time << 32 | code) {
                continue;
            }
            let others: Vec<_> = (0..WORDS)
                .filter(|other| *other != at)
                .map(|other| file.load(other))
                .collect();
            return Ok(!has(&others, code, now));
        }
    }

    fn find(&self, factor: &TwilioFactor, code: &Code) -> Result<bool, Failure> {
        let Some(folder) = Folder::find(&self.state, &[FOLDER])? else {
            return Ok(false);
        };
        let name = state::file_name(factor.as_str());
        let Some(file) = folder.find_words(&name, USED, self.map)? else {
            return Ok(false);
        };
        let words: Vec<_> = (0..WORDS).map(|at| file.load(at)).collect();
        Ok(has(&words, packed(code), seconds((self.now)())))
    }
}

/// Dates words of a later time than now back, so that none is in use for longer than its lifetime
/// from now on.
fn date_back(file: &WordFile, words: &[u64], now: u64) {
    let later = words
        .iter()
        .enumerate()
        .filter(|(_, word)| **word >> 32 > now);
    for (at, word) in later {
        let code = word & u64::from(u32::MAX);
        // If another process was faster, its word is as good.
        let _ = file.exchange(at, *word, now << 32 | code);
    }
}

fn has(words: &[u64], code: u64, now: u64) -> bool {
    let mut live = words.iter().filter(|word| is_live(**word, now));
    live.any(|word| word & u64::from(u32::MAX) == code)
}

impl UsedCodes for UsedFiles {
    fn is_used(&self, factor: &TwilioFactor, code: &Code) -> Result<bool, factor::Error> {
        self.find(factor, code)
            .map_err(|failure| error("the code is not sent, since the used ones", failure))
    }

    fn use_up(&mut self, factor: &TwilioFactor, code: &Code) -> Result<bool, factor::Error> {
        self.record(factor, code)
            .map_err(|failure| error("the code is not accepted, since it", failure))
    }
}

fn error(what: &str, failure: Failure) -> factor::Error {
    let (kind, why) = match failure {
        Failure::Process(why) => (ErrorKind::Process, why),
        Failure::Disk(why) | Failure::State(why) => (ErrorKind::State, why),
    };
    factor::Error {
        kind,
        code: None,
        detail: format!("{what} could not be recorded or read: {why}"),
        progress: Progress::Answered,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::fs;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::store::state::test_words::map;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(1_800_000_000) };
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW.get())
    }

    fn factor(letter: &str) -> TwilioFactor {
        format!("YF{}", letter.repeat(32)).parse().unwrap()
    }

    fn code(digits: &str) -> Code {
        digits.parse().unwrap()
    }

    #[test]
    fn a_code_is_used_once_for_five_minutes_by_each_factor() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut used = UsedFiles::new(&state, map, now);
        let (mine, other) = (factor("a"), factor("b"));
        assert_eq!(used.is_used(&mine, &code("012345")), Ok(false));
        assert!(!state.exists(), "nothing is made to look");
        assert_eq!(used.use_up(&mine, &code("012345")), Ok(true));
        assert_eq!(used.is_used(&mine, &code("012345")), Ok(true));
        assert_eq!(used.use_up(&mine, &code("012345")), Ok(false));
        assert_eq!(used.use_up(&mine, &code("12345")), Ok(true), "another code");
        assert_eq!(used.use_up(&other, &code("012345")), Ok(true));
        NOW.set(NOW.get() + 299);
        assert_eq!(used.use_up(&mine, &code("012345")), Ok(false));
        NOW.set(NOW.get() + 1);
        assert_eq!(used.is_used(&mine, &code("012345")), Ok(false));
        assert_eq!(used.use_up(&mine, &code("012345")), Ok(true));
    }

    /// A host whose clock was a year ahead for some logins accepted no code of the app for that year.
    #[test]
    fn codes_of_a_clock_that_was_set_back_are_in_use_for_five_minutes_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut used = UsedFiles::new(&folder.path().join("state"), map, now);
        let app = factor("a");
        let set_back = 365 * 86_400;
        NOW.set(NOW.get() + set_back);
        for number in 0..WORDS {
            let code = code(&format!("{number:06}"));
            assert_eq!(used.use_up(&app, &code), Ok(true));
        }
        NOW.set(NOW.get() - set_back);
        assert_eq!(used.is_used(&app, &code("000000")), Ok(true));
        assert!(
            used.use_up(&app, &code("999999")).is_err(),
            "all are in use"
        );
        NOW.set(NOW.get() + 299);
        assert_eq!(used.use_up(&app, &code("000000")), Ok(false));
        NOW.set(NOW.get() + 1);
        assert_eq!(used.use_up(&app, &code("999999")), Ok(true));
        assert_eq!(used.use_up(&app, &code("000000")), Ok(true));
    }

    #[test]
    fn of_many_logins_with_one_code_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        for round in 0..20 {
            let digits = format!("{round:06}");
            let new: usize = std::thread::scope(|scope| {
                let login = || {
                    let mut used = UsedFiles::new(&state, map, SystemTime::now);
                    used.use_up(&factor("a"), &code(&digits)).unwrap()
                };
                let all: Vec<_> = (0..8).map(|_| scope.spawn(login)).collect();
                let all = all.into_iter().map(|login| login.join().unwrap());
                all.filter(|is_new| *is_new).count()
            });
            assert_eq!(new, 1, "round {round}");
        }
    }

    thread_local! {
        /// What happens between a login's look at the words and its exchange.
        static MEANWHILE: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
    }

    fn now_of_the_slow() -> SystemTime {
        let now = now();
        if let Some(meanwhile) = MEANWHILE.take() {
            meanwhile();
        }
        now
    }

    /// The words that are free differ where one runs out between the looks of two logins.
    #[test]
    fn a_login_that_chose_another_word_than_its_rival_does_not_win() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut rival = UsedFiles::new(&state, map, now);
        assert_eq!(rival.use_up(&factor("a"), &code("000000")), Ok(true));
        NOW.set(NOW.get() + LIFETIME - 1);
        let mut slow = UsedFiles::new(&state, map, now_of_the_slow);
        MEANWHILE.set(Some(Box::new(move || {
            NOW.set(NOW.get() + 1);
            let mut rival = rival.clone();
            assert_eq!(rival.use_up(&factor("a"), &code("123456")), Ok(true));
        })));
        assert_eq!(slow.use_up(&factor("a"), &code("123456")), Ok(false));
    }

    #[test]
    fn a_code_in_a_file_that_is_removed_meanwhile_is_recorded_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut slow = UsedFiles::new(&state, map, now_of_the_slow);
        let file = state
            .join(FOLDER)
            .join(state::file_name(factor("a").as_str()));
        MEANWHILE.set(Some(Box::new(move || fs::remove_file(&file).unwrap())));
        assert_eq!(slow.use_up(&factor("a"), &code("123456")), Ok(true));
        assert_eq!(slow.is_used(&factor("a"), &code("123456")), Ok(true));
    }

    #[test]
    fn a_code_that_cannot_be_recorded_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let mut used = UsedFiles::new(&state, map, now);
        for number in 0..WORDS {
            let code = code(&format!("{number:06}"));
            assert_eq!(used.use_up(&factor("a"), &code), Ok(true));
        }
        let full = used.use_up(&factor("a"), &code("999999")).unwrap_err();
        assert_eq!(full.kind, ErrorKind::State);
        let file = state
            .join(FOLDER)
            .join(state::file_name(factor("a").as_str()));
        assert!(UsedFiles::unreadable(&state).unwrap().is_empty());
        fs::write(&file, b"no words").unwrap();
        assert_eq!(UsedFiles::unreadable(&state).unwrap().len(), 1);
        assert!(used.is_used(&factor("a"), &code("000000")).is_err());
        fs::remove_dir_all(&state).unwrap();
        fs::write(&state, "").unwrap();
        assert!(used.use_up(&factor("a"), &code("000000")).is_err());
    }
}
