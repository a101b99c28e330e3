//! The files that our lines in a stack were made from, as comments in it name them: a distribution
//! may change them afterwards.

use std::path::PathBuf;

/// The beginning of the comment that names a file that lines were taken over from, and its hash.
const SOURCE: &str = "# pam_authy: taken over from ";
/// The same for a file of the distribution that was copied as a whole.
pub(crate) const COPY: &str = "# pam_authy: a copy of ";

/// A file that our lines were made from, by the comments in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// SHA-256 of its content then, in hexadecimal digits.
    pub(crate) hash: String,
    /// The whole file is a copy of it.
    pub(crate) is_copy: bool,
}

impl Source {
    pub(crate) fn new(path: PathBuf, content: &[u8], is_copy: bool) -> Self {
        Self {
            path,
            hash: hash(content),
            is_copy,
        }
    }

    /// Returns the comment that [`sources`] reads.
    pub(crate) fn comment(&self) -> Vec<u8> {
        let begin = if self.is_copy { COPY } else { SOURCE };
        let path = self.path.display();
        format!("{begin}{path}, sha256 {}", self.hash).into_bytes()
    }
}

/// Returns the files that the lines of a file were made from.
pub(crate) fn sources(content: &[u8]) -> Vec<Source> {
    let parse = |row: &[u8]| {
        let row = std::str::from_utf8(row).ok()?.trim_end();
        let (rest, is_copy) = match row.strip_prefix(COPY) {
            Some(rest) => (rest, true),
            None => (row.strip_prefix(SOURCE)?, false),
        };
        let (path, hash) = rest.rsplit_once(", sha256 ")?;
        Some(Source {
            path: path.into(),
            hash: hash.to_owned(),
            is_copy,
        })
    };
    content
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(parse)
        .collect()
}

/// Returns the SHA-256 of a file's content in hexadecimal digits.
pub(crate) fn hash(content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_of_our_lines_are_read_from_their_comments() {
        let source = Source::new("/etc/pam.d/x y".into(), b"text", false);
        let copy = Source::new("/usr/lib/pam.d/x".into(), b"text", true);
        let content = [source.comment(), copy.comment()].join(&b'\n');
        assert_eq!(sources(&content), [source, copy]);
    }
}
