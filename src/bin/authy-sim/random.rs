//! Random bytes, digits and identifiers from the kernel's generator.
//!
//! Keys, tokens, TOTP secrets and uuids come from here.

use std::fs::File;
use std::io::Read;

/// Returns `N` random bytes.
///
/// # Panics
/// If /dev/urandom cannot be read; without it no key or token would be random.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .expect("/dev/urandom is readable");
    bytes
}

/// Returns `count` random decimal digits, with leading zeros.
pub(crate) fn digits(count: usize) -> String {
    let number = u64::from_be_bytes(bytes()) % 10_u64.pow(u32::try_from(count).unwrap_or(18));
    format!("{number:0count$}")
}

/// Returns a random identifier in the format of a uuid.
pub(crate) fn uuid() -> String {
    let hex = hex();
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-")
}

/// Returns 32 random hexadecimal digits, the format of an Authy API key.
pub(crate) fn hex() -> String {
    format!("{:032x}", u128::from_be_bytes(bytes()))
}
