//! Reads the `auth` lines of a PAM service with everything that they include.

use std::fs;
use std::path::Path;

use super::control::Control;
use super::{Entry, Module};

/// How deep includes go.
const DEPTH: usize = 16;
/// Where libpam looks for what is not in /etc/pam.d.
const VENDOR_FOLDER: &str = "/usr/lib/pam.d";

/// The `auth` lines of `service` in `folder`.
///
/// # Errors
/// A file that is missing or has a line that libpam would not take either.
pub(crate) fn read(folder: &Path, service: &str) -> Result<Vec<Entry<Module>>, String> {
    read_file(folder, service, 0)
}

fn read_file(folder: &Path, name: &str, depth: usize) -> Result<Vec<Entry<Module>>, String> {
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

/// The `auth` lines of a text that stands, or would stand, in `path`.
pub(crate) fn parse(
    folder: &Path,
    path: &Path,
    text: &str,
    depth: usize,
) -> Result<Vec<Entry<Module>>, String> {
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
        let bad = || format!("{place}: is no line of a stack");
        let (control, target) = words.next().zip(words.next()).ok_or_else(bad)?;
        match control.to_ascii_lowercase().as_str() {
            "include" => stack.extend(read_file(folder, &target, depth + 1)?),
            "substack" => {
                stack.push(Entry::Substack(read_file(folder, &target, depth + 1)?));
            }
            _ => {
                let control = Control::parse(&control).ok_or_else(bad)?;
                let name = target.rsplit('/').next().unwrap_or_default().to_owned();
                stack.push(Entry::Module(
                    control,
                    Module {
                        name,
                        path: target,
                        arguments: words.collect(),
                        place,
                    },
                ));
            }
        }
    }
    Ok(stack)
}

/// The lines with their numbers: comments gone, continued ones joined, empty ones left out.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let (part, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        let (number, mut whole) = pending.take().unwrap_or((at + 1, String::new()));
        whole.push_str(part);
        if goes_on {
            whole.push(' ');
            pending = Some((number, whole));
        } else if !whole.trim().is_empty() {
            found.push((number, whole.trim().to_owned()));
        }
    }
    found.extend(pending);
    found
}

/// Words apart by white space; what stands in `[…]` is one.
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
