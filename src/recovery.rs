//! One-time recovery codes.

use std::str::FromStr;

use crate::secret::Secret;

/// A recovery code.
#[derive(Debug)]
pub struct Code(Secret);

/// Not a recovery code.
#[derive(Debug)]
pub struct InvalidCode;

impl FromStr for Code {
    type Err = InvalidCode;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text.chars().filter(|c| !"- ".contains(*c)).collect();
        if plain.len() == 16 && plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(Secret::new(plain.to_ascii_lowercase())))
        } else {
            Err(InvalidCode)
        }
    }
}

/// Why a code could not be used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full or read-only.
    Disk(String),
    /// A limit of the process's own caller.
    Process(String),
    /// The file can't be used.
    State(String),
}

/// A user's recovery codes.
pub trait Recovery {
    /// Uses `code` up.
    ///
    /// # Errors
    /// [`Fault`]: it is not used up and proves nothing.
    fn redeem(&mut self, code: &Code) -> Result<Option<usize>, Fault>;
}
