//! The text of sshd's settings: the words of a line, the files that an Include names, patterns.
//!
//! Source: sshd_config(5), PATTERNS in ssh_config(5), glob(7).

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Splits a line into words; quotes join, `#` begins a comment, the first `=` is white space.
/// Single quotes join in newer releases of sshd alone; in older ones such a pattern matches
/// nothing.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('#', None) if word.is_empty() => break,
            ('=', None) if found.is_empty() => found.push(std::mem::take(&mut word)),
            ('=', None) if found.len() == 1 && word.is_empty() => {}
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
            }
            (c, _) => word.push(c),
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found.retain(|word| !word.is_empty());
    found
}

/// Returns the files that an Include names, sorted; relative names are below /etc/ssh. `real` says
/// where a path of the host is found from here. What is in brackets may be any character, so that
/// too many files are returned rather than too few.
pub(crate) fn included(pattern: &str, real: impl Fn(&Path) -> PathBuf) -> Vec<PathBuf> {
    let path = Path::new("/etc/ssh").join(pattern);
    let mut found = vec![PathBuf::from("/")];
    for part in path.components() {
        let Component::Normal(name) = part else {
            continue;
        };
        let name = name.to_string_lossy();
        if !name.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(&*name));
            continue;
        }
        let pattern = without_brackets(&name);
        let entries = |folder: &PathBuf| -> Vec<PathBuf> {
            let entries = fs::read_dir(real(folder)).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            names
                .filter(|name| matches(&pattern, name) && !name.starts_with('.'))
                .map(|name| folder.join(name))
                .collect()
        };
        found = found.iter().flat_map(entries).collect();
    }
    found.sort();
    found
}

/// Whether an Include names a file, which need not exist. A set of characters in brackets does not.
pub(crate) fn includes(pattern: &str, file: &Path) -> bool {
    let pattern = Path::new("/etc/ssh").join(pattern);
    let is_same = |(pattern, name): (Component<'_>, Component<'_>)| {
        matches(
            &pattern.as_os_str().to_string_lossy(),
            &name.as_os_str().to_string_lossy(),
        )
    };
    pattern.components().count() == file.components().count()
        && pattern.components().zip(file.components()).all(is_same)
}

/// Returns a pattern with `?` for each set of characters in brackets.
fn without_brackets(pattern: &str) -> String {
    let mut all = String::new();
    let mut rest = pattern;
    while let Some((before, inside)) = rest.split_once('[') {
        let Some((_, after)) = inside.split_once(']') else {
            break;
        };
        all.push_str(before);
        all.push('?');
        rest = after;
    }
    all + rest
}

/// Whether a pattern with `*` and `?` matches a whole text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    match pattern.next() {
        None => text.next().is_none(),
        Some('*') => {
            let rest = pattern.as_str();
            let all = text.as_str();
            let mut starts = all.char_indices().map(|(at, _)| at).chain([all.len()]);
            starts.any(|at| all.get(at..).is_some_and(|text| matches(rest, text)))
        }
        Some(wanted) => {
            let found = text.next();
            (found == Some(wanted) || wanted == '?' && found.is_some())
                && matches(pattern.as_str(), text.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_an_include_are_found_by_any_pattern() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "a1.d/x.conf",
            "a2.d/y.conf",
            "b.d/z.conf",
            "a1.d/.hidden.conf",
            "a1.d/x.txt",
        ] {
            let path = folder.path().join("etc/ssh").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let real = |path: &Path| folder.path().join(path.strip_prefix("/").unwrap());
        for (pattern, expected) in [
            (
                "/etc/ssh/a[0-9].d/*.conf",
                "/etc/ssh/a1.d/x.conf /etc/ssh/a2.d/y.conf",
            ),
            (
                "*.d/?.conf",
                "/etc/ssh/a1.d/x.conf /etc/ssh/a2.d/y.conf /etc/ssh/b.d/z.conf",
            ),
            ("b.d/z.conf", "/etc/ssh/b.d/z.conf"),
            ("nowhere/*.conf", ""),
        ] {
            let found = included(pattern, real);
            let shown: Vec<_> = found.iter().map(|path| path.to_string_lossy()).collect();
            assert_eq!(shown.join(" "), expected, "{pattern}");
        }
    }

    #[test]
    fn quotes_of_both_kinds_join_words() {
        for (line, expected) in [
            ("Match User 'pat' Group=\"a b\"", "Match|User|pat|Group=a b"),
            ("Port=22 # first", "Port|22"),
            ("Port = 22", "Port|22"),
            ("Banner \"it's # here\"", "Banner|it's # here"),
        ] {
            assert_eq!(words(line).join("|"), expected, "{line}");
        }
    }
}
