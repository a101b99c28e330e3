//! The text of a system call's error.
//!
//! nix has a text for each errno, a table that would be 10 KB of the module: libc has the same ones.
//! In the module they are in the language of the application, in the engine always in English. Used
//! in the messages of errors.

use std::io;

use nix::errno::Errno;

/// The text of `errno`, such as `No such file or directory`.
pub(crate) fn describe(errno: Errno) -> String {
    let mut text = io::Error::from(errno).to_string();
    // std adds the number, in parentheses.
    if let Some(end) = text.rfind('(') {
        text.truncate(end.saturating_sub(1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_its_text_without_a_number() {
        assert_eq!(describe(Errno::ENOENT), "No such file or directory");
        assert_eq!(describe(Errno::EMFILE), "Too many open files");
    }
}
