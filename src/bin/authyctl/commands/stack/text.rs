//! The lines and words of a stack's file, as libpam cuts them: bytes, whatever their encoding.
//!
//! Source: `_pam_assemble_line` and `_pam_StrTok` of libpam 1.5.2. A carriage return is no white
//! space to libpam, and so part of a word.

use std::ops::Range;

/// The longest line in bytes, without its newline, that every libpam takes as one line: before 1.7
/// it reads lines into a buffer of 1024 bytes, and cuts longer ones in two.
const LINE_LIMIT: usize = 1022;

/// A line of a stack, joined from one or several lines of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The number of its first line in the file, from 1.
    pub(crate) number: usize,
    /// The bytes in the file that it is made of, the last newline too.
    pub(crate) span: Range<usize>,
    /// Its text, without comment and without the backslashes that join it.
    pub(crate) text: Vec<u8>,
}

/// Why libpam, or some version of it, cannot read a file to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The last line continues on a line that does not exist; the number of its first line.
    Unfinished(usize),
    /// A line is too long for one buffer; its number.
    TooLong(usize),
}

/// Cuts the content of a file into lines. Empty lines and comments are left out.
///
/// # Errors
/// libpam refuses the whole file, and with it every login of the service.
pub(crate) fn lines(content: &[u8]) -> Result<Vec<Line>, Unreadable> {
    let mut found = Vec::new();
    let mut open: Option<Line> = None;
    let mut at = 0;
    for (index, whole) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let (start, number) = (at, index + 1);
        at += whole.len();
        let end_of_text = whole.iter().position(|byte| *byte == 0);
        let line = whole
            .get(..end_of_text.unwrap_or(whole.len()))
            .unwrap_or(whole);
        let line = trim_start(line);
        if line.is_empty() || line.starts_with(b"#") {
            // Also between the parts of a continued line.
            continue;
        }
        let (part, continues) = part(line);
        let mut joined = open.take().unwrap_or(Line {
            number,
            span: start..start,
            text: Vec::new(),
        });
        joined.span.end = at;
        joined.text.extend_from_slice(part);
        if whole.len() > LINE_LIMIT || joined.text.len() > LINE_LIMIT {
            return Err(Unreadable::TooLong(number));
        }
        if continues {
            joined.text.push(b' ');
            open = Some(joined);
        } else {
            found.push(joined);
        }
    }
    match open {
        Some(line) => Err(Unreadable::Unfinished(line.number)),
        None => Ok(found),
    }
}

/// Returns what a line of a file, which has text, adds to a line of the stack, and whether the next
/// line continues it.
fn part(line: &[u8]) -> (&[u8], bool) {
    if let Some(comment) = line.iter().position(|byte| *byte == b'#') {
        return (line.get(..comment).unwrap_or_default(), false);
    }
    match trim_end(line).strip_suffix(b"\\") {
        Some(part) => (part, true),
        // The newline is kept: it belongs to a word with an unclosed bracket.
        None => (line, false),
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

fn trim_start(mut text: &[u8]) -> &[u8] {
    while let Some((first, rest)) = text.split_first() {
        if !is_blank(*first) {
            break;
        }
        text = rest;
    }
    text
}

/// Returns `text` without the blanks at its end.
pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let Some((last, rest)) = text.split_last() {
        if !is_blank(*last) {
            break;
        }
        text = rest;
    }
    text
}

/// Takes one word from the front of `text`, and returns it with the rest; `None` when there is no
/// more. What is in brackets is one word, returned without them: `[a \] b]` is `a ] b`.
pub(super) fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = trim_start(text);
    let inside = match text.split_first()? {
        (b'[', inside) => inside,
        _ => {
            let end = text.iter().position(|byte| is_blank(*byte));
            let (word, rest) = text.split_at(end.unwrap_or(text.len()));
            return Some((word.to_vec(), rest));
        }
    };
    let mut word = Vec::new();
    let mut rest = inside;
    while let Some((first, after)) = rest.split_first() {
        match (first, after.split_first()) {
            (b']', _) => return Some((word, after)),
            (b'\\', Some((b']', after))) => {
                word.push(b']');
                rest = after;
            }
            _ => {
                word.push(*first);
                rest = after;
            }
        }
    }
    Some((word, rest))
}

/// Returns all words of `text`.
pub(super) fn words(mut text: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some((next, rest)) = word(text) {
        found.push(next);
        text = rest;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &[u8]) -> Vec<(usize, String)> {
        let lines = lines(content).unwrap();
        let text = |line: Line| {
            (
                line.number,
                String::from_utf8_lossy(&line.text).into_owned(),
            )
        };
        lines.into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_cut_as_libpam_cuts_them() {
        type Row = (&'static [u8], &'static [(usize, &'static str)]);
        let table: [Row; 8] = [
            (b"# only a comment\n\n  \t\n", &[]),
            (b"a b # c\nd", &[(1, "a b "), (2, "d")]),
            (b"a \\\n  b\nc\n", &[(1, "a  b\n"), (3, "c\n")]),
            (b"a \\\n# between\n\n b\n", &[(1, "a  b\n")]),
            // A comment ends the line: its backslash continues nothing.
            (b"a # b \\\nc\n", &[(1, "a "), (2, "c\n")]),
            (b"a\r\n\r\n", &[(1, "a\r\n"), (2, "\r\n")]),
            (b"a \\\r\nb\n", &[(1, "a \\\r\n"), (2, "b\n")]),
            (b"a\0b\nc\n", &[(1, "a"), (2, "c\n")]),
        ];
        for (content, expected) in table {
            let expected: Vec<_> = expected
                .iter()
                .map(|(n, t)| (*n, (*t).to_owned()))
                .collect();
            assert_eq!(texts(content), expected, "{content:?}");
        }
    }

    #[test]
    fn what_no_libpam_or_not_every_libpam_reads_is_an_error() {
        assert_eq!(lines(b"a\nb \\\n"), Err(Unreadable::Unfinished(2)));
        assert_eq!(lines(b"a \\\n# b\n"), Err(Unreadable::Unfinished(1)));
        assert_eq!(lines(&[b'a'; 2000]), Err(Unreadable::TooLong(1)));
    }

    #[test]
    fn words_are_cut_as_libpam_cuts_them() {
        let table: [(&[u8], &[&str]); 6] = [
            (b" a\tb  c", &["a", "b", "c"]),
            (b"[a=b  c=d]e f", &["a=b  c=d", "e", "f"]),
            (b"[a \\] b] c", &["a ] b", "c"]),
            (b"a[b c]", &["a[b", "c]"]),
            (b"[open a", &["open a"]),
            (b"[open \n", &["open \n"]),
        ];
        for (text, expected) in table {
            let found = words(text);
            let shown: Vec<_> = found.iter().map(|w| String::from_utf8_lossy(w)).collect();
            assert_eq!(shown, expected, "{text:?}");
        }
    }
}
