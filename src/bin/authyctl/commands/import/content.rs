//! What is wrong with an import file as a whole: its encoding, the separator of its columns.

/// Returns the content of a file as text, without the mark of the byte order.
///
/// # Errors
/// It is not UTF-8; which encoding it is, where that is clear, and the line.
pub(super) fn text(bytes: &[u8]) -> Result<&str, String> {
    let is_utf16 = [b"\xFF\xFE", b"\xFE\xFF"]
        .iter()
        .any(|mark| bytes.starts_with(*mark));
    if is_utf16 {
        return Err("line 1: is UTF-16: save the file as UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line}: is not UTF-8")
    })
}

/// Returns why the first line of a CSV file has no column `user`.
pub(super) fn without_user(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let others = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
    let has_user = |separator: char| {
        let mut names = first.split(separator);
        names.any(|name| name.trim().trim_matches('"') == "user")
    };
    match others.iter().find(|(separator, _)| has_user(*separator)) {
        Some((_, name)) => format!("line 1: columns are separated by {name}: use commas"),
        None => "the first line names no column `user`".to_owned(),
    }
}
