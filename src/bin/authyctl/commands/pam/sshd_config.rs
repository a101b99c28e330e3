//! The lines of sshd's settings outside of Match blocks, in the order in which sshd reads them: of two
//! values of a setting it uses the first.
//!
//! For systems whose sshd cannot be asked, and for the file and line of a setting that wins over ours.

use std::fs;
use std::path::Path;

use super::file::read;
use super::sshd::{CONFIG, DROP_IN};
use crate::commands::doctor::SSHD_CONFIG_OF_VENDOR;
use crate::commands::stack::Files;

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

/// Returns all lines; one without words stands for our own file, where sshd reads it or would.
///
/// # Errors
/// There is no sshd_config, or it cannot be read.
pub(super) fn lines(files: &Files) -> Result<Vec<Line>, String> {
    let file = main_file(files);
    let main = read(files, Path::new(file))?.ok_or_else(|| format!("{file}: is missing"))?;
    let mut found = Vec::new();
    let mut is_included = false;
    for line in of_file(file, &main) {
        if !is_included && includes_folder(&line) {
            is_included = true;
            found.extend(drop_ins(files));
        } else {
            found.push(line);
        }
    }
    Ok(found)
}

/// Returns sshd's own file: that of the distribution where the administrator has none.
pub(super) fn main_file(files: &Files) -> &'static str {
    let exists = |path: &&&str| files.exists(Path::new(path));
    [CONFIG, SSHD_CONFIG_OF_VENDOR]
        .iter()
        .find(exists)
        .unwrap_or(&CONFIG)
}

/// Whether a line includes the folder of our file; a relative name is below /etc/ssh.
fn includes_folder(line: &Line) -> bool {
    let is_include = |word: &String| word.eq_ignore_ascii_case("include");
    let folder = Path::new("/etc/ssh/sshd_config.d/*.conf");
    let mut targets = line.words.iter().skip(1);
    line.words.first().is_some_and(is_include)
        && targets.any(|target| Path::new("/etc/ssh").join(target) == folder)
}

fn drop_ins(files: &Files) -> Vec<Line> {
    let own = Path::new(DROP_IN);
    let folder = own.parent().unwrap_or(Path::new("/"));
    let entries = fs::read_dir(files.real(folder)).into_iter().flatten();
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| folder.join(entry.file_name()))
        .filter(|path| path.extension().is_some_and(|end| end == "conf") && path != own)
        .chain([own.to_owned()])
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path == own {
            found.push(Line {
                file: DROP_IN.to_owned(),
                number: 1,
                words: Vec::new(),
            });
            continue;
        }
        let content = files.read(&path).unwrap_or_default();
        found.extend(of_file(&path.display().to_string(), &content));
    }
    found
}

/// Returns the lines of one file up to its first Match.
fn of_file(file: &str, content: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(content);
    let lines = text.lines().enumerate().map(|(at, line)| Line {
        file: file.to_owned(),
        number: at + 1,
        words: words(line),
    });
    lines
        .filter(|line| !line.words.is_empty())
        .take_while(
            |line| !matches!(line.words.first(), Some(w) if w.eq_ignore_ascii_case("match")),
        )
        .collect()
}

fn words(line: &str) -> Vec<String> {
    let words = line.split([' ', '\t', '\r', '=', '"']);
    let words = words.filter(|word| !word.is_empty());
    words
        .take_while(|word| !word.starts_with('#'))
        .map(str::to_owned)
        .collect()
}
