//! Reads the paths in tokens: the arguments of macros, the bodies of `macro_rules!`, attributes.
//!
//! What a macro makes of its tokens cannot be known here, so whatever looks like a path counts as
//! one.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::visit::Visit as _;

use super::collect::{Collector, text};
use super::facts::Usage;

impl Collector {
    pub(super) fn scan(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            at = match tree {
                TokenTree::Group(group) => {
                    self.scan(group.stream());
                    at + 1
                }
                TokenTree::Ident(ident) => self.scan_word(ident, &trees, at),
                TokenTree::Literal(literal) => {
                    if self.reads_strings {
                        self.scan_string(syn::Lit::new(literal.clone()));
                    }
                    at + 1
                }
                TokenTree::Punct(_) => self.scan_sign(&trees, at),
            };
        }
    }

    /// Reads from a sign on; returns where to go on.
    fn scan_sign(&mut self, trees: &[TokenTree], at: usize) -> usize {
        let is = |sign| is_sign(&trees[at], sign);
        match trees.get(at + 1) {
            Some(next) if is('.') && is_sign(next, '.') => at + 2,
            // A field, a lifetime, a variable of `macro_rules!`: none of them begins a path.
            Some(TokenTree::Ident(_)) if is('.') || is('\'') => at + 2,
            Some(TokenTree::Ident(name)) if is('$') && name != "crate" => at + 2,
            _ if is_colons(trees, at) && matches!(trees.get(at + 2), Some(TokenTree::Ident(_))) => {
                self.scan_path(Vec::new(), true, trees, at + 2)
            }
            _ => at + 1,
        }
    }

    /// Reads from a word on; returns where to go on.
    fn scan_word(&mut self, ident: &Ident, trees: &[TokenTree], at: usize) -> usize {
        if ident == "mod"
            && let Some(TokenTree::Ident(name)) = trees.get(at + 1)
            && let Some(TokenTree::Group(body)) = trees.get(at + 2)
        {
            self.within_module(name, |this| this.scan(body.stream()));
            return at + 3;
        }
        if ident == "serde"
            && let Some(TokenTree::Group(arguments)) = trees.get(at + 1)
        {
            self.reads_strings = true;
            self.scan(arguments.stream());
            self.reads_strings = false;
            return at + 2;
        }
        if ident == "use"
            && let Some(length) = trees[at..].iter().position(|tree| is_sign(tree, ';'))
        {
            let item = trees[at..=at + length].iter().cloned().collect();
            // With a `$` in it, it is no import yet; its path is read like any other.
            if let Ok(item) = syn::parse2(item) {
                self.depth += 1;
                self.visit_item_use(&item);
                self.depth -= 1;
                return at + length + 1;
            }
        }
        self.scan_path(Vec::new(), false, trees, at)
    }

    /// Reads the path whose first segments are `segments` and that goes on with the word at `at`;
    /// returns where it ends.
    fn scan_path(
        &mut self,
        mut segments: Vec<String>,
        is_global: bool,
        trees: &[TokenTree],
        mut at: usize,
    ) -> usize {
        let span = trees[at].span();
        while let Some(TokenTree::Ident(ident)) = trees.get(at) {
            segments.push(text(ident));
            at += 1;
            if !is_colons(trees, at) {
                break;
            }
            match trees.get(at + 2) {
                Some(TokenTree::Ident(_)) => at += 2,
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.scan_group(&segments, is_global, group);
                    return at + 3;
                }
                Some(sign) if is_sign(sign, '*') => {
                    self.write(segments, is_global, Usage::Import, span);
                    return at + 3;
                }
                Some(sign) if is_sign(sign, '$') => {
                    self.write(segments, is_global, Usage::Open, span);
                    return at + 2;
                }
                // `::<…>`.
                _ => break,
            }
        }
        let is_invoked = trees.get(at).is_some_and(|sign| is_sign(sign, '!'))
            && !trees.get(at + 1).is_some_and(|sign| is_sign(sign, '='));
        let usage = if is_invoked {
            Usage::Macro
        } else {
            Usage::Item
        };
        self.write(segments, is_global, usage, span);
        at
    }

    /// Reads `{a, b::c}` behind a path.
    fn scan_group(&mut self, prefix: &[String], is_global: bool, group: &Group) {
        let trees: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            match tree {
                TokenTree::Ident(ident) if ident != "self" => {
                    self.scan_path(prefix.to_vec(), is_global, &trees, at);
                }
                TokenTree::Punct(sign) if sign.as_char() == '$' => {
                    self.write(prefix.to_vec(), is_global, Usage::Open, sign.span());
                }
                _ => self.write(prefix.to_vec(), is_global, Usage::Import, tree.span()),
            }
            let rest = trees[at..].iter().position(|tree| is_sign(tree, ','));
            at += rest.unwrap_or(trees.len()) + 1;
        }
    }

    fn scan_string(&mut self, literal: syn::Lit) {
        if let syn::Lit::Str(string) = literal
            && let Ok(tokens) = string.value().parse()
        {
            self.line = Some(string.span().start().line);
            self.scan(tokens);
            self.line = None;
        }
    }
}

/// Whether there is a `::` at `at`.
fn is_colons(trees: &[TokenTree], at: usize) -> bool {
    [at, at + 1]
        .iter()
        .all(|at| trees.get(*at).is_some_and(|tree| is_sign(tree, ':')))
}

/// Whether a tree is this sign.
pub(super) fn is_sign(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}
