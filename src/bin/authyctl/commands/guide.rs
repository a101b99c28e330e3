//! `guide`: docs/for-users.md as plain text, for the people who log in. It reads no file and needs
//! no root.

use serde_json::json;

use crate::output::Output;

const PAGE: &str = include_str!("../../../../docs/for-users.md");

/// The longest line, in characters.
const WIDTH: usize = 78;

pub(crate) fn guide() -> Output {
    let lines = plain(PAGE);
    let text = lines.join("\n") + "\n";
    Output::new(lines, json!({"guide": text}))
}

/// Returns the lines of a page without Markdown, wrapped anew. Lines with a link to another page,
/// which the reader does not have, are left out.
fn plain(page: &str) -> Vec<String> {
    let mut text = Text::default();
    for line in page.lines().filter(|line| !line.contains("](")) {
        if line.is_empty() || line.starts_with("    ") {
            text.end_paragraph();
            text.lines.push(line.to_owned());
        } else if let Some(title) = line.strip_prefix('#') {
            let title = title.trim_start_matches(['#', ' ']);
            text.lines.push(title.to_uppercase());
        } else {
            if line.starts_with("- ") {
                text.end_paragraph();
            }
            text.paragraph.extend(line.split_whitespace().map(unmarked));
        }
    }
    text.end_paragraph();
    text.lines
}

/// Returns a word of the page without marks of bold text and code.
fn unmarked(word: &str) -> String {
    word.replace("**", "").replace('`', "")
}

#[derive(Default)]
struct Text {
    lines: Vec<String>,
    /// The words of the paragraph or list item that is being read.
    paragraph: Vec<String>,
}

impl Text {
    /// Wraps the paragraph. The lines of a list item are indented after the first.
    fn end_paragraph(&mut self) {
        let words = std::mem::take(&mut self.paragraph);
        let is_item = words.first().is_some_and(|word| word == "-");
        let mut line = String::new();
        for word in words {
            let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
            if is_full {
                let next = if is_item { "  " } else { "" };
                self.lines
                    .push(std::mem::replace(&mut line, next.to_owned()));
            }
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        if !line.is_empty() {
            self.lines.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGE, WIDTH, plain};

    #[test]
    fn the_guide_is_the_page_without_markdown_and_fits_a_terminal() {
        let lines = plain(PAGE);
        let long: Vec<_> = lines
            .iter()
            .filter(|line| line.chars().count() > WIDTH)
            .collect();
        assert!(long.is_empty(), "{long:?}");
        let text = lines.join("\n");
        assert!(!text.contains("**") && !text.contains("](") && !text.contains('#'));
        assert!(text.contains("WHAT TO DO WHEN") && !text.contains("screens.md"));
        assert!(text.ends_with("no one needs it.\n"), "{text}");
    }

    #[test]
    fn a_list_item_is_wrapped_under_its_text() {
        let page = format!("- **a** {}\n  c\n\n    code  it\n", "b".repeat(WIDTH));
        let b = "b".repeat(WIDTH);
        let expected = ["- a", &format!("  {b}"), "  c", "", "    code  it"];
        assert_eq!(plain(&page), expected);
    }
}
