//! What a file of the state holds: JSON with its version, so that an older program denies rather than
//! misreads what a newer one wrote.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{FileChange, Unreadable};

/// The name of a user's file: the SHA-256 of the user's name in hex, since the name itself may hold
/// slashes, or be as long as no file's name can be.
#[must_use]
pub fn file_name(user: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, user.as_bytes()).as_ref())
}

/// Bytes as two hexadecimal digits each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a file of ours holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    version: u64,
    body: T,
}

/// The part that every version has.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// What a file holds as a value of `version`.
///
/// # Errors
/// The bytes are damaged, or those of a newer version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], version: u64) -> Result<T, Unreadable> {
    let found: Version = serde_json::from_slice(bytes).map_err(|_| Unreadable::Corrupt)?;
    if found.version > version {
        return Err(Unreadable::Newer(found.version));
    }
    if found.version < version {
        return Err(Unreadable::Corrupt);
    }
    let all: Versioned<T> = serde_json::from_slice(bytes).map_err(|_| Unreadable::Corrupt)?;
    Ok(all.body)
}

/// The change that puts a value of `version` into a file.
#[must_use]
pub fn encode<T: Serialize>(body: &T, version: u64) -> FileChange {
    // Maps, lists, text and numbers always are JSON; if not, an empty file denies.
    FileChange::Write(serde_json::to_vec(&Versioned { version, body }).unwrap_or_default())
}
