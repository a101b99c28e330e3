//! Random bytes and digits from the kernel.

use std::fs::File;
use std::io::Read;

/// `N` random bytes.
///
/// # Panics
/// When the kernel has no /dev/urandom; then nothing here could be trusted.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .expect("the kernel gives random bytes");
    bytes
}

/// `count` random decimal digits; leading zeros count.
pub(crate) fn digits(count: usize) -> String {
    let number = u64::from_be_bytes(bytes()) % 10_u64.pow(u32::try_from(count).unwrap_or(18));
    format!("{number:0count$}")
}

/// A name for something, in the shape of a uuid.
pub(crate) fn uuid() -> String {
    let hex = key();
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

/// 32 hexadecimal digits, as Authy's API keys have.
pub(crate) fn key() -> String {
    format!("{:032x}", u128::from_be_bytes(bytes()))
}
