//! The bytes of a stack with our lines in it, and without them again. Pure: reads and writes no
//! file.
//!
//! Our lines are between two marks, and a line that they replace stays as a comment with a mark of
//! its own. So removing ours restores every byte, and keeps what others changed in the meantime.

use crate::commands::stack::COPY;

const BEGIN: &[u8] = b"# pam_authy begin: `authyctl pam disable` removes these lines";
/// The first mark where the file did not end with a newline.
const BEGIN_WITHOUT_NEWLINE: &[u8] =
    b"# pam_authy begin, where the file ended without a newline: `authyctl pam disable` removes these lines";
const END: &[u8] = b"# pam_authy end";
const MARKS_BROKEN: &str = "the marks around our lines do not match";
/// The prefix of a line that ours replace; `disable` restores the line.
const WAS: &[u8] = b"#pam_authy was# ";

/// Whether a file has lines of ours.
pub(super) fn is_marked(content: &[u8]) -> bool {
    rows(content).any(|row| {
        let row = row.trim_ascii_end();
        row == BEGIN || row == BEGIN_WITHOUT_NEWLINE || row.starts_with(WAS)
    })
}

/// Returns `content` with our lines after the byte `at`, the end of a line.
pub(super) fn insert(content: &[u8], at: usize, lines: &[Vec<u8>]) -> Vec<u8> {
    let (before, after) = content.split_at_checked(at).unwrap_or((content, &[]));
    let has_newline = before.is_empty() || before.ends_with(b"\n");
    let mut new = before.to_vec();
    if !has_newline {
        new.push(b'\n');
    }
    new.extend(block(lines, has_newline));
    new.extend_from_slice(after);
    new
}

/// A line of a file that ours replace.
pub(super) struct Replaced {
    /// Its bytes in the file, with the newline.
    pub(super) span: std::ops::Range<usize>,
    /// What must stay of it, such as the other types of an `@include`.
    pub(super) rest: Vec<Vec<u8>>,
}

/// Returns `content` with our lines in place of others, before the first of them.
pub(super) fn replace(content: &[u8], replaced: &[Replaced], lines: &[Vec<u8>]) -> Vec<u8> {
    let mut new = Vec::new();
    let mut at = 0;
    for (index, line) in replaced.iter().enumerate() {
        new.extend_from_slice(content.get(at..line.span.start).unwrap_or_default());
        if index == 0 {
            new.extend(block(lines, true));
        }
        if !line.rest.is_empty() {
            new.extend(block(&line.rest, true));
        }
        for row in rows(content.get(line.span.clone()).unwrap_or_default()) {
            new.extend_from_slice(WAS);
            new.extend_from_slice(row);
        }
        at = line.span.end;
    }
    new.extend_from_slice(content.get(at..).unwrap_or_default());
    new
}

/// Removes our lines, and restores those that they replaced.
///
/// # Errors
/// A mark has no partner, since our lines were edited.
pub(super) fn remove(content: &[u8]) -> Result<Vec<u8>, String> {
    let mut new = Vec::new();
    let mut is_inside = false;
    for row in rows(content) {
        match row.trim_ascii_end() {
            BEGIN if !is_inside => is_inside = true,
            BEGIN_WITHOUT_NEWLINE if !is_inside => {
                is_inside = true;
                if new.ends_with(b"\n") {
                    new.pop();
                }
            }
            END if is_inside => is_inside = false,
            BEGIN | BEGIN_WITHOUT_NEWLINE | END => return Err(MARKS_BROKEN.to_owned()),
            _ if is_inside || row.starts_with(COPY.as_bytes()) => {}
            _ => new.extend_from_slice(row.strip_prefix(WAS).unwrap_or(row)),
        }
    }
    if is_inside {
        return Err(MARKS_BROKEN.to_owned());
    }
    Ok(new)
}

/// Returns our lines between their marks.
fn block(lines: &[Vec<u8>], has_newline: bool) -> Vec<u8> {
    let begin = if has_newline {
        BEGIN
    } else {
        BEGIN_WITHOUT_NEWLINE
    };
    let mut block = [begin, b"\n"].concat();
    for line in lines {
        block.extend_from_slice(line);
        block.push(b'\n');
    }
    block.extend_from_slice(END);
    block.push(b'\n');
    block
}

fn rows(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split_inclusive(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &[u8] = b"auth  required   pam_authy.so";
    const TEXT: &[u8] = b"# ge\xe4ndert\nauth required a.so \\\n  b\nauth required c.so";

    #[test]
    fn removing_our_lines_restores_every_byte() {
        let lines = [OURS.to_vec()];
        for at in [0, 11, TEXT.len()] {
            let new = insert(TEXT, at, &lines);
            assert!(is_marked(&new) && !is_marked(TEXT));
            assert_eq!(remove(&new).unwrap(), TEXT, "{at}");
        }
        let replaced = [
            Replaced {
                span: 11..36,
                rest: vec![b"session include x".to_vec()],
            },
            Replaced {
                span: 36..TEXT.len(),
                rest: Vec::new(),
            },
        ];
        let new = replace(TEXT, &replaced, &lines);
        assert_eq!(remove(&new).unwrap(), TEXT);
        let shown = String::from_utf8_lossy(&new);
        assert!(shown.contains("#pam_authy was# auth required a.so \\\n#pam_authy was#   b\n"));
    }

    #[test]
    fn changes_of_others_in_the_meantime_stay() {
        let mut new = insert(b"a\nb\n", 2, &[OURS.to_vec()]);
        new.extend_from_slice(b"session optional pam_echo.so\n");
        assert_eq!(
            remove(&new).unwrap(),
            b"a\nb\nsession optional pam_echo.so\n"
        );
    }

    #[test]
    fn broken_marks_are_noticed() {
        let new = String::from_utf8(insert(b"a\n", 2, &[OURS.to_vec()])).unwrap();
        for mark in [BEGIN, END] {
            let broken = new.replace(std::str::from_utf8(mark).unwrap(), "");
            assert!(remove(broken.as_bytes()).is_err());
        }
    }
}
