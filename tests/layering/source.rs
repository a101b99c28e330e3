//! The source files: where they are, which module each of them is, and what they parse to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::collect::collect;
use super::facts::Facts;

/// A module or item by its full name. The first part is the crate: `lib`, or `bin/authyctl`.
pub(super) type Name = Vec<String>;

/// One source file.
pub(super) struct Source {
    /// The path below the root of the package, such as `src/store/mod.rs`.
    pub(super) path: String,
    /// The content.
    pub(super) text: String,
}

/// Every Rust file below src, in the order of their paths.
pub(super) fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources: Vec<Source> = rust_files(&root.join("src"))
        .into_iter()
        .map(|file| Source {
            path: file
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned(),
            text: std::fs::read_to_string(&file).unwrap(),
        })
        .collect();
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The module that a file is by its place, such as `lib::store::users` for src/store/users/mod.rs.
pub(super) fn module_of(path: &str) -> Name {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut parts: Name = path.split('/').map(str::to_owned).collect();
    if parts.len() > 1 && matches!(parts.last().map(String::as_str), Some("mod" | "main")) {
        parts.pop();
    }
    match parts.as_slice() {
        [lib] if lib == "lib" => parts,
        [bin, program, ..] if bin == "bin" => {
            let program = format!("bin/{program}");
            parts.splice(..2, [program]);
            parts
        }
        _ => {
            parts.insert(0, "lib".to_owned());
            parts
        }
    }
}

/// How deep modules may be: where a file mounts itself, this is the end.
const DEPTH: usize = 20;

/// What each file says about names; a file that `#[path]` mounts a second time is there twice. With
/// it, the files that do not parse and why.
pub(super) fn read(sources: &[Source]) -> (Vec<Facts>, Vec<String>) {
    let (mut all, mut broken) = (Vec::new(), Vec::new());
    let mut queue: Vec<(&Source, Name)> = sources
        .iter()
        .map(|source| (source, module_of(&source.path)))
        .collect();
    let mut seen = BTreeSet::new();
    while let Some((source, module)) = queue.pop() {
        if module.len() > DEPTH || !seen.insert((source.path.clone(), module.clone())) {
            continue;
        }
        match syn::parse_file(&source.text) {
            Ok(file) => {
                let facts = collect(&source.path, module, &file);
                for (path, module) in &facts.mounts {
                    let mounted = sources.iter().find(|source| source.path == *path);
                    queue.extend(mounted.map(|source| (source, module.clone())));
                }
                all.push(facts);
            }
            Err(error) => broken.push(format!("{}: does not parse: {error}", source.path)),
        }
    }
    (all, broken)
}
