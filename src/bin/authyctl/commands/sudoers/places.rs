//! The lines of sudoers with their numbers, for messages alone: what they mean is what cvtsudoers
//! says.

use std::fs;
use std::path::{Path, PathBuf};

/// The limit of nested includes, as in sudo.
const DEPTH: usize = 128;

/// All lines of sudoers and its includes, in order; a continued line is joined with the next.
#[derive(Debug, Default)]
pub(super) struct Places {
    file: PathBuf,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    place: String,
    text: String,
}

/// What the list of a `Defaults` line is a list of; the JSON has users for two of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Binding {
    /// The callers of sudo; every user where there is no list.
    #[default]
    Callers,
    /// `Defaults>`: the users that callers become.
    Targets,
    /// `Defaults!`
    Commands,
    /// `Defaults@`
    Hosts,
}

impl Line {
    fn binding(&self) -> Binding {
        match self
            .text
            .strip_prefix("Defaults")
            .and_then(|rest| rest.chars().next())
        {
            Some('>') => Binding::Targets,
            Some('!') => Binding::Commands,
            Some('@') => Binding::Hosts,
            _ => Binding::Callers,
        }
    }
}

impl Places {
    pub(super) fn read(file: &Path) -> Self {
        let mut all = Self {
            file: file.to_owned(),
            lines: Vec::new(),
        };
        all.add(file, 0);
        all
    }

    /// Returns the place of what is not found in a line of its own.
    pub(super) fn file(&self) -> String {
        self.file.display().to_string()
    }

    /// Returns the places of the `Defaults` lines with a setting, switched on or off, in order,
    /// each with what its list is a list of.
    pub(super) fn of_setting(&self, name: &str) -> Vec<(String, Binding)> {
        let has = |line: &Line| {
            let settings = line.text.split([',', ' ', '\t']);
            let mut names = settings.map(|word| word.split(['=', '+', '-']).next().unwrap_or(word));
            line.text.starts_with("Defaults")
                && names.any(|word| word.strip_prefix('!').unwrap_or(word) == name)
        };
        let lines = self.lines.iter().filter(|line| has(line));
        lines
            .map(|line| (line.place.clone(), line.binding()))
            .collect()
    }

    /// Returns the places of the rules with a tag such as `NOPASSWD`, in order.
    pub(super) fn of_tag(&self, tag: &str) -> Vec<String> {
        let mark = format!("{tag}:");
        let has = |line: &Line| {
            !line.text.starts_with("Defaults") && line.text.replace([' ', '\t'], "").contains(&mark)
        };
        let places = self.lines.iter().filter(|line| has(line));
        places.map(|line| line.place.clone()).collect()
    }

    fn add(&mut self, file: &Path, depth: usize) {
        let bytes = fs::read(file).unwrap_or_default();
        for (number, text) in lines(&String::from_utf8_lossy(&bytes)) {
            for included in included(file, &text) {
                if depth < DEPTH {
                    self.add(&included, depth + 1);
                }
            }
            let place = format!("{}:{number}", file.display());
            self.lines.push(Line { place, text });
        }
    }
}

/// Returns the files that a line includes. In a folder, sudo skips names with a dot or `~`.
fn included(file: &Path, line: &str) -> Vec<PathBuf> {
    let mut words = line.split_whitespace();
    let directive = words
        .next()
        .unwrap_or_default()
        .trim_start_matches(['#', '@']);
    let Some(target) = words.next().filter(|_| line.starts_with(['#', '@'])) else {
        return Vec::new();
    };
    let target = file
        .parent()
        .unwrap_or(Path::new("/"))
        .join(target.trim_matches('"'));
    match directive {
        "include" => vec![target],
        "includedir" => {
            let entries = fs::read_dir(&target).into_iter().flatten().flatten();
            let mut files: Vec<_> = entries
                .filter(|entry| !entry.file_name().to_string_lossy().contains(['.', '~']))
                .map(|entry| entry.path())
                .filter(|path| path.is_file())
                .collect();
            files.sort();
            files
        }
        _ => Vec::new(),
    }
}

/// Returns the lines with their numbers. Joins continued lines, and removes empty ones and what
/// follows ` #`; `#include` and `#1000` stay.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_continued = false;
    for (at, line) in text.lines().enumerate() {
        let (part, continued) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match found.last_mut().filter(|_| is_continued) {
            Some((_, line)) => line.push_str(part),
            None => found.push((at + 1, part.to_owned())),
        }
        is_continued = continued;
    }
    for (_, line) in &mut found {
        let trimmed = line.trim();
        let comment = comment_start(trimmed).unwrap_or(trimmed.len());
        *line = trimmed
            .get(..comment)
            .unwrap_or(trimmed)
            .trim_end()
            .to_owned();
    }
    found.retain(|(_, line)| !line.is_empty());
    found
}

/// Returns where a comment begins that follows white space; `#include` and `#1000` begin a line.
fn comment_start(line: &str) -> Option<usize> {
    let mut marks = line.match_indices('#');
    marks
        .find(|(at, _)| {
            line.get(..*at)
                .is_some_and(|before| before.ends_with([' ', '\t']))
        })
        .map(|(at, _)| at)
}
