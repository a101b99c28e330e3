//! Makes untrusted text safe to show on a terminal, in syslog or in an error.
//!
//! The network, the person at the prompt and local users all supply text that is displayed. Control
//! characters could rewrite the screen or forge a log line, bidirectional marks could reverse a
//! sentence, and a long text could flood both.

/// The longest text that is shown, in characters; `…` replaces the rest.
pub const SHOWN: usize = 200;

/// Replaces each control, bidirectional and line-separating character with `?`, and cuts the text
/// at [`SHOWN`] characters.
#[must_use]
pub fn sanitize(text: &str) -> String {
    sanitize_to(text, SHOWN)
}

/// Does what [`sanitize`] does, with another `limit` in characters.
#[must_use]
pub fn sanitize_to(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    for (number, c) in text.chars().enumerate() {
        if number == limit {
            shown.push('…');
            break;
        }
        shown.push(if is_unsafe(c) { '?' } else { c });
    }
    shown
}

/// The text in double quotes for `key="value"` lines: sanitized, with `"` and `\` escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in sanitize(text).chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Replaces the digits of each phone number by `X`, except the last two. Any run of six digits is
/// taken for one, so that a code is not shown either.
#[must_use]
pub fn mask_numbers(text: &str) -> String {
    /// The number of digits from which on a run is taken for a phone number.
    const MIN_DIGITS: usize = 6;
    let mut out = String::new();
    let mut run = String::new();
    let mut is_in_word = false;
    for c in text.chars().chain(['\n']) {
        // Digits within a word, such as one of Twilio's SIDs, are not of a phone number.
        is_in_word = c.is_ascii_alphabetic() || (is_in_word && c.is_ascii_digit());
        if !is_in_word && (c.is_ascii_digit() || (!run.is_empty() && " -.()/".contains(c))) {
            run.push(c);
            continue;
        }
        let mut digits = run.chars().filter(char::is_ascii_digit).count();
        let is_number = digits >= MIN_DIGITS;
        for kept in run.drain(..) {
            let hide = is_number && kept.is_ascii_digit() && digits > 2;
            digits -= usize::from(kept.is_ascii_digit());
            out.push(if hide { 'X' } else { kept });
        }
        out.push(c);
    }
    out.pop();
    out
}

/// Whether `text` contains a control character: C0, DEL or C1.
#[must_use]
pub fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Whether a character must not get to a terminal or into a line of a log as it is.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_and_codes_are_masked_and_other_numbers_are_not() {
        for (text, shown) in [
            (
                "Text message sent to +1 987-654-3210.",
                "Text message sent to +X XXX-XXX-XX10.",
            ),
            (
                "No pending verifications for +1 321-345-1234 found.",
                "No pending verifications for +X XXX-XXX-XX34 found.",
            ),
            ("Invalid code: 123456", "Invalid code: XXXX56"),
            ("(405) 342.5699", "(XXX) XXX.XX99"),
            (
                "/Services/VA0123456789abcdef0123456789abcdef/Verifications",
                "/Services/VA0123456789abcdef0123456789abcdef/Verifications",
            ),
            ("300 seconds, code 60020, 12", "300 seconds, code 60020, 12"),
            ("", ""),
        ] {
            assert_eq!(mask_numbers(text), shown);
        }
    }

    #[test]
    fn escape_sequences_and_line_breaks_become_question_marks() {
        assert_eq!(sanitize("a\x1b[2J\r\nb\u{9b}c\u{7f}"), "a?[2J??b?c?");
    }

    #[test]
    fn bidirectional_marks_become_question_marks() {
        assert_eq!(sanitize("abc\u{202e}fed\u{2066}"), "abc?fed?");
    }

    #[test]
    fn long_text_is_cut_on_a_character_boundary() {
        let shown = sanitize(&"é".repeat(500));
        assert_eq!(shown.chars().count(), SHOWN + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn quotes_cannot_end_a_quoted_value() {
        assert_eq!(
            quoted(r#"x" verdict="accepted\"#),
            r#""x\" verdict=\"accepted\\""#
        );
    }
}
