//! Remembered logins: for a while after a code or a push was accepted, the person is not asked
//! again for the same login.
//!
//! "The same" is narrow: user, subject, caller, SSH authentication, service, address, boot and
//! config.toml must be equal, and the person must still have one of the factors they had. A login
//! from this host must also have the same session (its leader, and when the leader started) and
//! controlling terminal (its device, and when its inode was last changed). The file has a hash of
//! all this, the time of the proof and the person's factor ids; only its owner can read it. If a
//! part that is required is missing or unreadable, or the clocks disagree, the login is not
//! remembered; that is never an error. Used by `engine::wiring`, `authyctl forget` and `doctor`.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::base::attempt::Attempt;
use crate::base::factor::Person;
use crate::host::ssh_key;
use crate::store::config::{self, RememberBy};
use crate::store::state::{self, Error, FileChange, Folder, Unreadable};

/// The version of the files, and their folder.
const VERSION: u64 = 1;
const FOLDER: &str = "remember";
/// How many logins of one user are remembered; the oldest is dropped first.
const MAX_PROOFS: usize = 32;
/// How many seconds the wall clock may fall behind the time since boot before it counts as set
/// back.
const MAX_CLOCK_LAG: u64 = 5;

/// What two logins must have in common to be the same.
#[derive(Debug, Clone, Copy)]
pub struct LoginBinding<'a> {
    /// The login.
    pub attempt: &'a Attempt,
    /// The user whose factor is required.
    pub subject: &'a str,
    /// This user's person.
    pub person: &'a Person,
    /// Whether the login comes from this host, as with sudo and su.
    pub local: bool,
    /// The digest of config.toml.
    pub policy: [u8; 32],
}

/// Whether this login was proven recently enough that it is not asked again. Reads a small file and
/// /proc; takes no lock.
#[must_use]
pub fn is_remembered(state: &Path, rules: &config::Remember, binding: &LoginBinding<'_>) -> bool {
    find(state, rules, binding).unwrap_or(false)
}

/// Remembers that this login was proven now, if the rules allow it. Blocks for 300 ms at most
/// while another process holds the lock; a login that cannot be written is not remembered.
pub fn store(state: &Path, rules: &config::Remember, binding: &LoginBinding<'_>) {
    if !applies(rules, binding) {
        return;
    }
    if let (Some(login), Some(now)) = (hash(binding), Clocks::now()) {
        // The login is proven even if this fails.
        let _ = write(
            state,
            binding.subject,
            Proof {
                login,
                proven_at: now,
                factors: binding.person.stored_ids(),
            },
            rules.time,
        );
    }
}

/// Whether such a login is remembered at all. With `by = "key"` one from another host needs a key
/// that sshd has accepted.
fn applies(rules: &config::Remember, binding: &LoginBinding<'_>) -> bool {
    let has_key = || !ssh_key::accepted_keys(binding.attempt.ssh_methods()).is_empty();
    rules.applies_to(&binding.attempt.service)
        && (rules.by == RememberBy::Login || binding.local || has_key())
}

/// Forgets all logins of `user`, also those in a damaged file. Returns whether there was a file.
///
/// # Errors
/// The state cannot be trusted or written.
pub fn forget(state: &Path, user: &str) -> Result<bool, Error> {
    let Some(folder) = Folder::find(state, &[FOLDER])? else {
        return Ok(false);
    };
    let file = state::file_name(user);
    if folder.read(&file)?.is_none() {
        return Ok(false);
    }
    folder.update(&file, |old| (old.is_some(), FileChange::Remove))
}

/// Returns an error for each file that cannot be read.
///
/// # Errors
/// The folder cannot be trusted or read.
pub fn unreadable(state: &Path) -> Result<Vec<Error>, Error> {
    Folder::faults(state, FOLDER, read)
}

/// The content of a file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proofs {
    proofs: Vec<Proof>,
}

/// A login that was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// The hash of the login in hex.
    login: String,
    /// When it was proven.
    proven_at: Clocks,
    /// The factors that the person had.
    factors: Vec<String>,
}

/// Two clocks, in whole seconds: the wall clock, which root can set, and the time since boot, which
/// nothing can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clocks {
    wall: u64,
    boot: u64,
}

impl Clocks {
    fn now() -> Option<Self> {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        let boot = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?.tv_sec();
        Some(Self {
            wall,
            boot: u64::try_from(boot).ok()?,
        })
    }

    /// Whether both clocks have advanced since `then`, by less than `time`, and the wall clock was
    /// not set back.
    fn is_within(self, then: Self, time: Duration) -> bool {
        let (Some(wall), Some(boot)) = (
            self.wall.checked_sub(then.wall),
            self.boot.checked_sub(then.boot),
        ) else {
            return false;
        };
        wall.max(boot) < time.as_secs() && wall.saturating_add(MAX_CLOCK_LAG) >= boot
    }
}

fn find(state: &Path, rules: &config::Remember, binding: &LoginBinding<'_>) -> Option<bool> {
    if !applies(rules, binding) {
        return Some(false);
    }
    let folder = Folder::find(state, &[FOLDER]).ok()??;
    let bytes = folder.read(&state::file_name(binding.subject)).ok()??;
    let known = read(Some(&bytes)).ok()?;
    let (login, now) = (hash(binding)?, Clocks::now()?);
    let is_valid = |proof: &Proof| {
        proof.login == login
            && now.is_within(proof.proven_at, rules.time)
            && binding.person.has_one_of(&proof.factors)
    };
    Some(known.proofs.iter().any(is_valid))
}

fn write(state: &Path, user: &str, proof: Proof, time: Duration) -> Result<(), Error> {
    let folder = Folder::open(state)?.sub(FOLDER)?.for_login();
    folder.update(&state::file_name(user), |old| {
        // A damaged file is of no use to any version; a newer one may be, and is not replaced.
        let mut known = match read(old) {
            Ok(known) => known,
            Err(Unreadable::Corrupt) => Proofs::default(),
            Err(Unreadable::Newer(_)) => return ((), FileChange::Keep),
        };
        let is_kept = |known: &Proof| {
            known.login != proof.login && proof.proven_at.is_within(known.proven_at, time)
        };
        known.proofs.retain(is_kept);
        let surplus = (known.proofs.len() + 1).saturating_sub(MAX_PROOFS);
        known.proofs.drain(..surplus);
        known.proofs.push(proof);
        ((), state::encode(&known, VERSION))
    })
}

fn read(bytes: Option<&[u8]>) -> Result<Proofs, Unreadable> {
    bytes.map_or_else(
        || Ok(Proofs::default()),
        |bytes| state::decode(bytes, VERSION),
    )
}

/// Returns the hash that identifies a login; `None` when a part of it is missing.
fn hash(binding: &LoginBinding<'_>) -> Option<String> {
    let attempt = binding.attempt;
    let mut parts = Parts(Context::new(&SHA256));
    parts.add(Some(binding.subject));
    parts.add(Some(&attempt.user));
    parts.add(attempt.ruser.as_deref());
    // Also where it is not sshd's: it can only tell more logins apart.
    parts.add(attempt.ssh_auth.as_deref().filter(|text| !text.is_empty()));
    parts.add(Some(&attempt.service));
    let address = attempt.address.map(|address| address.to_string());
    parts.add(address.as_deref());
    parts.add(Some(&boot_id()?));
    parts.0.update(&binding.policy);
    if binding.local {
        attempt.ruser.as_ref()?;
        let (session, terminal) = (attempt.process.session?, attempt.process.terminal?);
        if session.terminal != terminal.device {
            return None;
        }
        parts.add(Some(&format!("{session:?} {terminal:?}")));
    } else {
        address?;
    }
    Some(state::hex(parts.0.finish().as_ref()))
}

/// Hashes texts, each with its length, so that no two lists of texts have the same bytes.
struct Parts(Context);

impl Parts {
    fn add(&mut self, part: Option<&str>) {
        let Some(part) = part else {
            return self.0.update(&[0]);
        };
        self.0.update(&[1]);
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part.as_bytes());
    }
}

/// The id of this boot.
///
/// Source: proc_sys_kernel(5), random/boot_id.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (id.len() == 36).then(|| id.to_owned())
}

#[cfg(test)]
mod tests;
