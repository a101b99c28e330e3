//! Finds the words that a file may not contain, whatever they are part of: `unsafe` and what else
//! touches symbols, conditions on a missing feature, and modules that are not where the tree says.
//!
//! All of them are looked for in the tokens of the whole file, so a macro hides none; comments are
//! no tokens, and a string is one that is not looked into.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::tokens::is_sign;

/// Something that is found in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) kind: MarkKind,
    /// The tokens.
    pub(super) text: String,
    pub(super) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkKind {
    /// `unsafe`, an `extern` block, an attribute or a macro that the linker sees.
    Unsafe,
    /// `not(feature = "…")`.
    NegatedFeature,
    /// `include!` or `#[path]`.
    Displaced,
}

/// Attributes that change symbols or sections; some editions take them without `unsafe`.
const ATTRIBUTES: [&str; 4] = ["no_mangle", "export_name", "link_section", "naked"];

/// Macros that contain assembler.
const ASSEMBLER: [&str; 3] = ["asm", "global_asm", "naked_asm"];

/// Everything of interest in `tokens`, in its order.
pub(super) fn marks(tokens: TokenStream) -> Vec<Mark> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        let mut mark = |kind, text: String| {
            let line = tree.span().start().line;
            found.push(Mark { kind, text, line });
        };
        let next = trees.get(at + 1);
        match tree {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                let is_invoked = next.is_some_and(|next| is_sign(next, '!'));
                if word == "unsafe" || is_invoked && ASSEMBLER.contains(&word.as_str()) {
                    mark(MarkKind::Unsafe, word);
                } else if word == "extern" && is_block(&trees[at + 1..]) {
                    mark(MarkKind::Unsafe, "extern block".to_owned());
                } else if word == "include" && is_invoked {
                    mark(MarkKind::Displaced, "include!".to_owned());
                } else if word == "not"
                    && let Some(TokenTree::Group(condition)) = next
                    && names_feature(condition)
                {
                    mark(MarkKind::NegatedFeature, format!("not {condition}"));
                }
            }
            TokenTree::Group(group) => {
                if let Some((kind, word)) = attribute(&trees[..at], group) {
                    mark(kind, word);
                }
                found.extend(marks(group.stream()));
            }
            _ => {}
        }
    }
    found
}

/// Whether a block follows behind `extern`, with an ABI or without.
fn is_block(rest: &[TokenTree]) -> bool {
    let rest = match rest {
        [TokenTree::Literal(_), rest @ ..] => rest,
        rest => rest,
    };
    matches!(rest, [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace)
}

/// Whether `feature = …` is in a condition, at any depth.
fn names_feature(condition: &Group) -> bool {
    let trees: Vec<TokenTree> = condition.stream().into_iter().collect();
    let is_feature = |trees: &[TokenTree]| match trees {
        [word, sign, value] => {
            is_word(word, "feature") && is_sign(sign, '=') && !is_sign(value, '=')
        }
        _ => false,
    };
    trees.windows(3).any(is_feature)
        || trees
            .iter()
            .any(|tree| matches!(tree, TokenTree::Group(group) if names_feature(group)))
}

/// What an attribute does, where `group` behind `before` is one.
fn attribute(before: &[TokenTree], group: &Group) -> Option<(MarkKind, String)> {
    let is_attribute = match before {
        [.., hash, bang] if is_sign(bang, '!') => is_sign(hash, '#'),
        [.., hash] => is_sign(hash, '#'),
        [] => false,
    };
    if !is_attribute || group.delimiter() != Delimiter::Bracket {
        return None;
    }
    named(group.stream(), true)
}

/// Looks for an attribute of interest; in `cfg_attr(…)` and `unsafe(…)`, too.
fn named(tokens: TokenStream, is_outer: bool) -> Option<(MarkKind, String)> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        let starts = at == 0 || !is_outer && is_sign(&trees[at - 1], ',');
        let TokenTree::Ident(word) = tree else {
            continue;
        };
        let word = word.to_string();
        let next = trees.get(at + 1);
        if !starts {
            continue;
        }
        if ATTRIBUTES.contains(&word.as_str()) {
            return Some((MarkKind::Unsafe, format!("#[{word}]")));
        }
        if word == "path" && next.is_some_and(|next| is_sign(next, '=')) {
            return Some((MarkKind::Displaced, "#[path]".to_owned()));
        }
        if let Some(TokenTree::Group(inner)) = next
            && (word == "cfg_attr" || word == "unsafe")
            && let Some(found) = named(inner.stream(), false)
        {
            return Some(found);
        }
    }
    None
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}
