//! docs/screens.md: for each screen a heading, a sentence on what to do next, and the screen in a
//! fenced block.
//!
//! Only the blocks are recorded. With PAM_AUTHY_RECORD=1 a test writes them; the rest of the page
//! is written by hand.

use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::packaging::{root, text_of};

/// The page.
pub(super) const PAGE: &str = "docs/screens.md";

/// What begins a recorded block.
const FENCE: &str = "```text\n";

/// The tests of several programs write one page.
static WRITER: Mutex<()> = Mutex::new(());

/// Returns where the block below `heading` begins and ends in `page`.
fn block(page: &str, heading: &str) -> Option<(usize, usize)> {
    let line = format!("\n## {heading}\n");
    let section = page.find(&line)? + line.len();
    let length = page[section..].find("\n## ");
    let end = length.map_or(page.len(), |length| section + length);
    let begin = section + page[section..end].find(FENCE)? + FENCE.len();
    let length = page[begin..end].find("\n```")?;
    Some((begin, begin + length))
}

/// Returns the headings of the page.
pub(super) fn headings() -> Vec<String> {
    let page = text_of(PAGE);
    let lines = page.lines().filter_map(|line| line.strip_prefix("## "));
    lines.map(str::to_owned).collect()
}

/// Returns the screen that the page shows below `heading`.
pub(super) fn screen(heading: &str) -> String {
    let page = text_of(PAGE);
    let (begin, end) = block(&page, heading).expect(heading);
    page[begin..end].to_owned()
}

/// Checks that the page shows this screen below `heading`, or writes it there.
pub(super) fn check(heading: &str, screen: &str) {
    let _writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    let page = text_of(PAGE);
    let Some((begin, end)) = block(&page, heading) else {
        panic!("{PAGE} has no block below \"## {heading}\"");
    };
    if std::env::var_os("PAM_AUTHY_RECORD").is_some_and(|value| value == "1") {
        let written = format!("{}{screen}{}", &page[..begin], &page[end..]);
        fs::write(root().join(PAGE), written).unwrap();
        return;
    }
    let shown = &page[begin..end];
    assert!(
        shown == screen,
        "{PAGE} shows:\n{shown}\n\nthe terminal:\n{screen}\n\nPAM_AUTHY_RECORD=1 writes it"
    );
}
