//! The content of a state file: JSON with a version, so that an older program denies instead of
//! misreading what a newer one wrote.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{FileChange, Unreadable};

/// Returns the name of a user's file: the SHA-256 of the user's name in hex, since the name itself
/// may have slashes or be too long for a file.
#[must_use]
pub fn file_name(user: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, user.as_bytes()).as_ref())
}

/// Writes bytes as two hexadecimal digits each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The content of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    version: u64,
    body: T,
}

/// The member that every version has.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// Reads the content of a file as a value of `version`.
///
/// # Errors
/// The bytes are damaged, or a newer version wrote them.
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

/// Returns the change that writes a value of `version`.
#[must_use]
pub fn encode<T: Serialize>(body: &T, version: u64) -> FileChange {
    // Maps, lists, texts and numbers can always be written; if they could not, an empty file
    // denies.
    FileChange::Write(serde_json::to_vec(&Versioned { version, body }).unwrap_or_default())
}
