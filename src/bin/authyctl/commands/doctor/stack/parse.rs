//! Reads the `auth` lines of a PAM service and of every file that they include, as libpam does.

use std::fs;
use std::path::Path;

use super::control::Control;
use super::{Module, StackLine};

/// The limit of nested includes.
const DEPTH: usize = 16;
/// Where libpam looks for a file that is not in /etc/pam.d.
const VENDOR_FOLDER: &str = "/usr/lib/pam.d";

/// Reads the `auth` lines of `service` in `folder`.
///
/// # Errors
/// A file is missing, or has a line that libpam would not accept either.
pub(crate) fn read(folder: &Path, service: &str) -> Result<Vec<StackLine>, String> {
    read_file(folder, service, 0)
}

fn read_file(folder: &Path, name: &str, depth: usize) -> Result<Vec<StackLine>, String> {
    let mut path = folder.join(name);
    if folder == Path::new("/etc/pam.d") && !path.exists() {
        let vendor = Path::new(VENDOR_FOLDER).join(name);
        path = if vendor.exists() { vendor } else { path };
    }
    if depth > DEPTH {
        return Err(format!("{}: includes itself", path.display()));
    }
    let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    parse(folder, &path, &text, depth)
}

/// Parses the `auth` lines of `text`, which is or would be the content of `path`.
///
/// # Errors
/// As for [`read`].
pub(crate) fn parse(
    folder: &Path,
    path: &Path,
    text: &str,
    depth: usize,
) -> Result<Vec<StackLine>, String> {
    let mut stack = Vec::new();
    for (number, line) in lines(text) {
        let place = format!("{}:{number}", path.display());
        if let Some(file) = line.strip_prefix("@include") {
            stack.extend(read_file(folder, file.trim(), depth + 1)?);
            continue;
        }
        let mut words = words(&line).into_iter();
        let kind = words.next().unwrap_or_default();
        if !kind.trim_start_matches('-').eq_ignore_ascii_case("auth") {
            continue;
        }
        let bad = || format!("{place}: is not a valid line of a stack");
        let (control, target) = words.next().zip(words.next()).ok_or_else(bad)?;
        match control.to_ascii_lowercase().as_str() {
            "include" => stack.extend(read_file(folder, &target, depth + 1)?),
            "substack" => {
                stack.push(StackLine::Substack(read_file(folder, &target, depth + 1)?));
            }
            _ => {
                let control = Control::parse(&control).ok_or_else(bad)?;
                let module = Module {
                    name: target.rsplit('/').next().unwrap_or_default().to_owned(),
                    path: target,
                    arguments: words.collect(),
                    place,
                };
                stack.push(StackLine::Module(control, module));
            }
        }
    }
    Ok(stack)
}

/// Returns the lines with their numbers, without comments and empty lines; joins continued ones.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut continued: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let (part, is_continued) = match line.trim_end().strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        let (number, mut joined) = continued.take().unwrap_or((at + 1, String::new()));
        joined.push_str(part);
        if is_continued {
            joined.push(' ');
            continued = Some((number, joined));
        } else if !joined.trim().is_empty() {
            found.push((number, joined.trim().to_owned()));
        }
    }
    found.extend(continued);
    found
}

/// Splits a line at white space; what is in `[…]` is one word.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = if rest.starts_with('[') {
            rest.find(']').map_or(rest.len(), |at| at + 1)
        } else {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        found.push(word.to_owned());
        rest = after.trim_start();
    }
    found
}
