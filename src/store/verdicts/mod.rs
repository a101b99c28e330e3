//! How often each verdict was given on this host, for `authyctl metrics`.
//!
//! There is a file for each PAM service, with a word for each verdict with its reason and factor: the
//! key in its upper 16 bits, the count in the others. So one exchange of a word counts, a process that
//! is stopped or killed leaves nothing half done and delays no other, and a full disk or a flood of
//! logins makes no file larger. Services that this host does not know share one file, since any
//! program can name one. What cannot be counted is lost, and decides no login. Used by
//! `engine::session` and `authyctl`.

use std::path::Path;

use super::config::Config;
use super::state::{Error, Folder, Format, MapWords, WordFile};
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::factor::Factor;

/// The folder of the counts in the state folder.
const VERDICTS: &str = "verdicts";
/// The service of all that this host does not know.
const OTHER: &str = "other";
/// The services that are known without a table in config.toml: `locker` is that of plain users'
/// programs.
const KNOWN: [&str; 8] = [
    "sshd", "sudo", "sudo-i", "su", "su-l", "login", "polkit-1", "locker",
];
/// A file with the first word has 4096 bytes. About a hundred words are ever used.
const FORMAT: Format = Format {
    magic: u64::from_be_bytes(*b"\0\0verdic"),
    version: 1,
    words: 511,
};
/// How many bits of a word are the count.
const COUNT_BITS: u32 = 48;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// How often one verdict was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The PAM service, or `other`.
    pub service: String,
    /// The words of the audit line.
    pub verdict: &'static str,
    /// See `verdict`.
    pub reason: &'static str,
    /// See `verdict`.
    pub factor: Option<&'static str>,
    /// How often, since the file was made.
    pub number: u64,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Listing {
    /// By service, in the order in which they came first.
    pub counts: Vec<Count>,
    /// Files that could not be read.
    pub errors: Vec<Error>,
}

/// Counts the verdict of `outcome` for a PAM service. Takes no lock.
///
/// # Errors
/// It was not counted: the file cannot be made or used.
pub fn count(
    config: &Config,
    service: &str,
    outcome: &Outcome,
    map: MapWords,
) -> Result<(), Error> {
    let folder = Folder::open(&config.paths.state)?.sub(VERDICTS)?;
    let file = folder.words(file_of(config, service), FORMAT, map)?;
    add(&file, key(outcome));
    Ok(())
}

/// Reads all counts, and changes nothing.
///
/// # Errors
/// The folder cannot be trusted or read. A file that cannot be read is part of the listing.
pub fn list(state: &Path) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    let Some(folder) = Folder::find(state, &[VERDICTS])? else {
        return Ok(listing);
    };
    for service in folder.names()? {
        let words = folder.read(&service).and_then(|bytes| {
            let words = FORMAT.decode(&bytes.unwrap_or_default());
            words.map_err(|why| folder.unreadable(&service, why))
        });
        match words {
            Ok(words) => {
                let counts = words.into_iter().filter_map(|word| shown(&service, word));
                listing.counts.extend(counts);
            }
            Err(error) => listing.errors.push(error),
        }
    }
    Ok(listing)
}

/// The file in which a PAM service counts: its own, where the host knows it and its name can be that
/// of a file.
fn file_of<'a>(config: &Config, service: &'a str) -> &'a str {
    let is_known = KNOWN.contains(&service) || config.services().any(|known| known == service);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (1..=64).contains(&service.len()) && service.bytes().all(plain);
    if is_known && is_name { service } else { OTHER }
}

/// Adds one to the word of `key`. A file whose words all have other keys, which no version of ours
/// writes, stays as it is.
fn add(file: &WordFile, key: u64) {
    for index in 0..FORMAT.words {
        loop {
            let old = file.load(index);
            let number = match old >> COUNT_BITS {
                0 => 0,
                found if found == key => old & COUNT,
                _ => break,
            };
            // At the end of its range it stays.
            let number = (number + 1).min(COUNT);
            if file.exchange(index, old, key << COUNT_BITS | number) {
                return;
            }
        }
    }
}

/// The key of a verdict, 1 to 65535: four bits of the verdict, four of the factor, eight of the reason.
fn key(outcome: &Outcome) -> u64 {
    let factor = outcome.factor.map_or(0, number_of_factor);
    let (verdict, reason) = (
        number_of_verdict(outcome.verdict),
        number_of_reason(outcome.reason),
    );
    u64::from(verdict) << 12 | u64::from(factor) << 8 | u64::from(reason)
}

/// The count in a word; `None` where it has none, or one of a version that knows more.
fn shown(service: &str, word: u64) -> Option<Count> {
    let key = word >> COUNT_BITS;
    let verdict = find(&VERDICT_WORDS, number_of_verdict, key >> 12)?;
    let reason = find(&REASONS, number_of_reason, key & 0xff)?;
    let factor = match key >> 8 & 0xf {
        0 => None,
        number => Some(find(&FACTORS, number_of_factor, number)?),
    };
    Some(Count {
        service: service.to_owned(),
        verdict: verdict.as_str(),
        reason: reason.as_str(),
        factor: factor.map(Factor::as_str),
        number: word & COUNT,
    })
}

/// The value that has this number in a file.
fn find<T: Copy>(all: &[T], number_of: fn(T) -> u8, number: u64) -> Option<T> {
    let mut all = all.iter().copied();
    all.find(|value| u64::from(number_of(*value)) == number)
}

/// One verdict for each word of the audit line.
const VERDICT_WORDS: [Verdict; 5] = [
    Verdict::Accepted,
    Verdict::Ignored,
    Verdict::Refused,
    Verdict::Unavailable,
    Verdict::Failed,
];

/// The number of a verdict's word in a file.
fn number_of_verdict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Accepted => 1,
        Verdict::Ignored => 2,
        Verdict::AttemptsExhausted | Verdict::Refused => 3,
        Verdict::Unavailable => 4,
        Verdict::Failed | Verdict::ConversationFailed | Verdict::Panicked => 5,
    }
}

/// The numbers of values in a file: never change one, and never use one again.
macro_rules! numbers {
    ($all:ident, $of:ident, $type:ident: $($value:ident = $number:literal),+ $(,)?) => {
        const $all: [$type; [$($number),+].len()] = [$($type::$value),+];

        fn $of(value: $type) -> u8 {
            match value {
                $($type::$value => $number),+
            }
        }
    };
}

numbers! {
    FACTORS, number_of_factor, Factor:
    Push = 1, Token = 2, Sms = 3, Call = 4, SecurityKey = 5, Recovery = 6,
}

numbers! {
    REASONS, number_of_reason, Reason:
    CodeAccepted = 1, PushApproved = 2, SecurityKey = 3, RecoveryCode = 4, Remembered = 5,
    Exempt = 6, Unenrolled = 7, EnrollBy = 8, Outage = 9, Enrolled = 10, WrongCode = 11,
    PushDenied = 12, PushExpired = 13, Limited = 14, NoKey = 15, RateLimited = 16, Suspended = 17,
    UnknownToProvider = 18, Deadline = 19, BadUserName = 20, UserChanged = 21, NoAnswer = 22,
    UntrustedServer = 23, Configuration = 24, Mapping = 25, Arguments = 26, Account = 27,
    State = 28, Process = 29, Engine = 30, KeyRefused = 31, ApplicationRefused = 32,
    Conversation = 33, Panic = 34,
}

#[cfg(test)]
mod tests;
