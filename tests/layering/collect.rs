//! Collects what one file says about names: the paths that it writes, the names that it imports,
//! the modules, types and macros that it defines. `modules` finds out what the paths mean.
//!
//! Items are read by `syn`; what is inside a macro or an attribute are tokens, which `tokens`
//! reads. `facts` has the types.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemMod, Type, UseTree};

use super::facts::{Facts, Import, MacroRules, Usage, Written};
use super::source::{Name, module_of};

/// Reads the file at `path`, mounted as `module`.
pub(super) fn collect(path: &str, module: Name, file: &syn::File) -> Facts {
    let mut collector = Collector {
        facts: Facts {
            path: path.to_owned(),
            modules: vec![module.clone()],
            ..Facts::default()
        },
        is_moved: module != module_of(path),
        module,
        inline: Vec::new(),
        depth: 0,
        reads_strings: false,
        line: None,
    };
    collector.visit_file(file);
    collector.facts
}

/// Walks through one file.
pub(super) struct Collector {
    pub(super) facts: Facts,
    /// The module at this point.
    pub(super) module: Name,
    /// The part of it that is inline in this file.
    pub(super) inline: Vec<String>,
    /// Whether the file is mounted elsewhere than by its place.
    pub(super) is_moved: bool,
    /// How many blocks there are around this point.
    pub(super) depth: usize,
    /// Whether strings at this point are paths, as in `#[serde(with = "…")]`.
    pub(super) reads_strings: bool,
    /// The line, where the tokens themselves do not know it: those of a string.
    pub(super) line: Option<usize>,
}

impl Collector {
    pub(super) fn write(
        &mut self,
        segments: Vec<String>,
        is_global: bool,
        usage: Usage,
        span: Span,
    ) {
        let path = Written {
            module: self.module.clone(),
            segments,
            is_global,
            usage,
            line: self.line.unwrap_or(span.start().line),
        };
        self.facts.written.push(path);
    }

    /// Runs `within` in the inline module `name`.
    pub(super) fn within_module(&mut self, name: &Ident, within: impl FnOnce(&mut Self)) {
        let depth = std::mem::take(&mut self.depth);
        self.module.push(text(name));
        self.inline.push(text(name));
        self.facts.modules.push(self.module.clone());
        within(self);
        self.inline.pop();
        self.module.pop();
        self.depth = depth;
    }

    fn import(&mut self, prefix: &[String], is_global: bool, tree: &UseTree) {
        let leaf = |ident: &Ident| {
            let mut segments = prefix.to_vec();
            // `use a::{self}` imports `a`.
            if prefix.is_empty() || ident != "self" {
                segments.push(text(ident));
            }
            segments
        };
        let (segments, name, span) = match tree {
            UseTree::Path(path) => {
                let prefix = [prefix, &[text(&path.ident)]].concat();
                return self.import(&prefix, is_global, &path.tree);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(prefix, is_global, tree);
                }
                return;
            }
            UseTree::Name(name) => {
                let segments = leaf(&name.ident);
                let bound = segments.last().cloned();
                (segments, bound, name.ident.span())
            }
            UseTree::Rename(name) => {
                let (segments, bound) = (leaf(&name.ident), text(&name.rename));
                (segments, Some(bound), name.ident.span())
            }
            UseTree::Glob(glob) => (prefix.to_vec(), None, glob.span()),
        };
        self.write(segments, is_global, Usage::Import, span);
        self.name_last_path(name);
    }

    /// Notes that the path that was written last has the name `name` in this module.
    fn name_last_path(&mut self, name: Option<String>) {
        let is_local = self.depth > 0;
        let last = self.facts.written.last().cloned();
        let import = last.map(|path| Import {
            name,
            path,
            is_local,
        });
        self.facts.imports.extend(import);
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.scan(tokens.clone());
    }

    /// `pub(in …)` can name nothing but a module around this one.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let name = match item {
            Item::Enum(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::TraitAlias(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Union(item) => Some(&item.ident),
            _ => None,
        };
        if let Some(name) = name.filter(|_| self.depth == 0) {
            self.facts
                .types
                .push([&self.module[..], &[text(name)]].concat());
        }
        visit::visit_item(self, item);
    }

    /// `type A = b::C` gives `b::C` another name, as `use b::C as A` does.
    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        visit::visit_item_type(self, item);
        if let Type::Path(target) = &*item.ty {
            let path = &target.path;
            let (is_global, span) = (path.leading_colon.is_some(), path.span());
            self.write(segments(path), is_global, Usage::Item, span);
            self.name_last_path(Some(text(&item.ident)));
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_none() {
            self.mount(item);
        }
        self.within_module(&item.ident, |this| visit::visit_item_mod(this, item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&[], item.leading_colon.is_some(), &item.tree);
        item.attrs
            .iter()
            .for_each(|attribute| self.visit_attribute(attribute));
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let own = self.module[0].clone();
        let (name, target) = match text(&item.ident).as_str() {
            "pam_authy" => ("pam_authy", "lib".to_owned()),
            "self" => ("crate", own.clone()),
            _ => return,
        };
        self.write(
            vec![name.to_owned()],
            name != "crate",
            Usage::Import,
            item.ident.span(),
        );
        let bound = item.rename.as_ref().map_or(&item.ident, |(_, name)| name);
        self.facts.crates.push((own, text(bound), target));
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = &item.ident {
            let is_export = |attribute: &Attribute| attribute.path().is_ident("macro_export");
            self.facts.macros.push(MacroRules {
                module: self.module.clone(),
                name: text(name),
                is_exported: item.attrs.iter().any(is_export),
            });
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.write(
            segments(path),
            path.leading_colon.is_some(),
            Usage::Item,
            path.span(),
        );
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        let path = &invocation.path;
        self.write(
            segments(path),
            path.leading_colon.is_some(),
            Usage::Macro,
            path.span(),
        );
        self.scan(invocation.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.reads_strings = list.path.is_ident("serde");
        visit::visit_meta_list(self, list);
        self.reads_strings = false;
    }
}

/// An identifier; `r#client` is the same name as `client`.
pub(super) fn text(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| text(&segment.ident))
        .collect()
}
