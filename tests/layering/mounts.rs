//! Finds files that are a module elsewhere than their place says, by `#[path]`.

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, ItemMod, Lit, Meta, Token};

use super::collect::{Collector, text};
use super::facts::Usage;
use super::source::module_of;

impl Collector {
    /// Notes which file a `mod name;` is, where its place does not tell.
    pub(super) fn mount(&mut self, item: &ItemMod) {
        let (folder, file) = self.facts.path.rsplit_once('/').unwrap_or_default();
        let module = [&self.module[..], &[text(&item.ident)]].concat();
        let mut folder = folder.to_owned();
        if !self.inline.is_empty() {
            if !self.is_moved && !matches!(file, "mod.rs" | "lib.rs" | "main.rs") {
                folder = format!("{folder}/{}", file.trim_end_matches(".rs"));
            }
            folder = format!("{folder}/{}", self.inline.join("/"));
        }
        let given = item
            .attrs
            .iter()
            .find_map(|attribute| path_of(&attribute.meta));
        if let Some(path) = given {
            let path = normalized(&format!("{folder}/{path}"));
            self.use_file(&path, item.ident.span());
            self.facts.mounts.push((path, module));
        } else if self.is_moved {
            for place in [
                format!("{}.rs", item.ident),
                format!("{}/mod.rs", item.ident),
            ] {
                self.facts
                    .mounts
                    .push((format!("{folder}/{place}"), module.clone()));
            }
        }
    }

    /// Counts the mounting of another module's file as a use of that module.
    fn use_file(&mut self, path: &str, span: Span) {
        let mut name = module_of(path);
        if path.starts_with("src/") && name[0] == "lib" {
            name[0] = "pam_authy".to_owned();
            self.write(name, true, Usage::Import, span);
        }
    }
}

/// The file in `#[path = "…"]`, also in `cfg_attr`.
fn path_of(meta: &Meta) -> Option<String> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }) => Some(path.value()),
            _ => None,
        },
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            inner.ok()?.iter().find_map(path_of)
        }
        _ => None,
    }
}

/// `path` without `.` and `..`.
fn normalized(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
