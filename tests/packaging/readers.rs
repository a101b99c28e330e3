//! Each page names its readers, and they find it.

use std::collections::BTreeSet;
use std::fs;

use super::guides::{links, pages};
use super::{root, text_of};
use crate::common::rows::check_rows;

/// Where the documentation begins.
const INDEX: &str = "docs/README.md";

/// Pages of another kind: the README is for everyone, the changelog is a list.
const OTHERS: [&str; 2] = ["README.md", "CHANGELOG.md"];

#[test]
fn each_page_opens_with_the_readers_that_it_is_for() {
    let mut pages = pages();
    pages.retain(|page| !OTHERS.contains(&page.as_str()));
    pages.push("packaging/authselect/README".to_owned());
    assert!(pages.len() > 30, "{pages:?}");
    check_rows(pages, |page| {
        let text = text_of(&page);
        let (title, rest) = text.split_once("\n\n").expect("a title");
        let (first, _) = rest.split_once("\n\n").expect("a paragraph");
        assert!(
            title.starts_with("# ") || title.ends_with("===="),
            "{title}"
        );
        assert!(
            first.starts_with("For ") && first.lines().count() <= 2 && first.ends_with('.'),
            "the first paragraph is no \"For …\" of two lines: {first}"
        );
    });
}

#[test]
fn each_page_can_be_reached_from_the_index() {
    let listed: BTreeSet<_> = links(INDEX)
        .iter()
        .map(|target| target.split('#').next().unwrap().to_owned())
        .collect();
    let folder = fs::read_dir(root().join("docs")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: Vec<_> = names.filter(|name| name.ends_with(".md")).collect();
    assert!(pages.len() > 30, "{pages:?}");
    check_rows(pages, |page| {
        assert!(
            page == "README.md" || listed.contains(&page),
            "{INDEX} has no link to it"
        );
    });
}
