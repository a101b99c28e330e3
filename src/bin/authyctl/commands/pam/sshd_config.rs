//! The lines of sshd's settings outside of Match blocks, in the order in which sshd reads them: of
//! two values of a setting it uses the first.
//!
//! For systems where sshd cannot be run, and for the file and line of a setting that wins over
//! ours.

use std::path::{Path, PathBuf};

use super::file::read;
use super::sshd::{CONFIG, DROP_IN};
use crate::commands::doctor::{
    SSHD_CONFIG_OF_VENDOR, included_by_sshd, sshd_includes, words_of_sshd,
};
use crate::commands::stack::Files;

/// The limit of nested includes, as in sshd.
const DEPTH: usize = 16;

/// A line with text.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) file: String,
    number: usize,
    pub(super) words: Vec<String>,
}

impl Line {
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file, self.number)
    }

    /// Returns the name that sshd has for the setting today, and its value.
    pub(super) fn setting(&self) -> Option<(String, String)> {
        let (name, values) = self.words.split_first()?;
        let old = ["ChallengeResponseAuthentication", "SkeyAuthentication"];
        let is_old = old.iter().any(|old| old.eq_ignore_ascii_case(name));
        let name = if is_old {
            "KbdInteractiveAuthentication"
        } else {
            name
        };
        Some((name.to_owned(), values.join(" ")))
    }
}

/// Returns all lines, those of included files in their place. A line without words marks where sshd
/// reads our own file, or would read it.
///
/// # Errors
/// There is no sshd_config, or it cannot be read.
pub(super) fn lines(files: &Files) -> Result<Vec<Line>, String> {
    let file = main_file(files);
    let main = read(files, Path::new(file))?.ok_or_else(|| format!("{file}: is missing"))?;
    let mut found = Vec::new();
    add(files, file, &main, 0, &mut found);
    Ok(found)
}

fn add(files: &Files, file: &str, content: &[u8], depth: usize, found: &mut Vec<Line>) {
    for line in of_file(file, content) {
        let is_include = line
            .words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case("include"));
        if !is_include || depth >= DEPTH {
            found.push(line);
            continue;
        }
        for pattern in line.words.iter().skip(1) {
            for path in included(files, pattern) {
                let shown = path.display().to_string();
                if shown == DROP_IN {
                    found.push(Line {
                        file: shown,
                        number: 1,
                        words: Vec::new(),
                    });
                    continue;
                }
                let content = files.read(&path).unwrap_or_default();
                add(files, &shown, &content, depth + 1, found);
            }
        }
    }
}

/// Returns the files that an Include names, ours among them, whether it exists or not.
fn included(files: &Files, pattern: &str) -> Vec<PathBuf> {
    let own = Path::new(DROP_IN);
    let mut paths = included_by_sshd(pattern, |path| files.real(path));
    if sshd_includes(pattern, own) && !paths.iter().any(|path| path == own) {
        paths.push(own.to_owned());
        paths.sort();
    }
    paths
}

/// Returns sshd's own file: that of the distribution where the administrator has none.
pub(super) fn main_file(files: &Files) -> &'static str {
    let exists = |path: &&&str| files.exists(Path::new(path));
    [CONFIG, SSHD_CONFIG_OF_VENDOR]
        .iter()
        .find(exists)
        .unwrap_or(&CONFIG)
}

/// Returns the lines of one file up to its first Match.
fn of_file(file: &str, content: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(content);
    let lines = text.lines().enumerate().map(|(at, line)| Line {
        file: file.to_owned(),
        number: at + 1,
        words: words_of_sshd(line),
    });
    lines
        .filter(|line| !line.words.is_empty())
        .take_while(
            |line| !matches!(line.words.first(), Some(w) if w.eq_ignore_ascii_case("match")),
        )
        .collect()
}
