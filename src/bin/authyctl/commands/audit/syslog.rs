//! Reads a file that a syslog daemon writes, line by line.
//!
//! A line has its time as RFC 3164 (`Nov  5 09:08:07 host tag[1]: …`) or RFC 3339 writes it
//! (`2026-11-05T09:08:07+00:00 host tag[1]: …`), or is one of RFC 5424 (`<85>1 2026-… host tag 1 - - …`).
//! The tag is at its place in the line, so that no text of another program is taken for it. Every
//! local user can have written a line with our tag: a text file proves nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::event::{Event, Message, service_of};
use super::{Sink, Skipped, Stop, time};
use crate::error::CommandError;

/// The longest line that is read, in bytes; the rest of a longer one is skipped.
const LINE: u64 = 64 * 1024;

/// A line of the file.
struct Line<'a> {
    time: u64,
    host: &'a str,
    tag: &'a str,
    message: &'a str,
}

/// Passes each event in the file to `sink`.
pub(super) fn read(path: &Path, now: u64, sink: &mut Sink<'_>) -> Result<Skipped, Stop> {
    let failed = |error: &std::io::Error| Stop::Input(CommandError::file(path, error));
    let mut reader = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
    if is_packed(reader.fill_buf().map_err(|error| failed(&error))?) {
        let message = format!("{}: is packed, or no text", path.display());
        let hint = "zcat FILE | authyctl audit --file /dev/stdin";
        return Err(Stop::Input(CommandError::local(message).hint(hint)));
    }
    let (mut skipped, mut bytes) = (Skipped::default(), Vec::new());
    for number in 1_u64.. {
        bytes.clear();
        let length = (&mut reader).take(LINE).read_until(b'\n', &mut bytes);
        if length.map_err(|error| failed(&error))? == 0 {
            break;
        }
        if bytes.last() != Some(&b'\n') {
            reader.skip_until(b'\n').map_err(|error| failed(&error))?;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        match parse(text, now) {
            Some(line) => {
                let Some(service) = service_of(line.tag) else {
                    continue;
                };
                match Message::parse(line.message) {
                    Message::Line(fields) => {
                        let host = Some(line.host.to_owned());
                        let service = service.to_owned();
                        let event = Event::new(line.time, host, service, line.message, fields);
                        sink(event).map_err(Stop::Output)?;
                    }
                    Message::Text => {}
                    Message::Cut => skipped.add(format!("line {number}")),
                }
            }
            None if text.contains("pam_authy(") => skipped.add(format!("line {number}")),
            None => {}
        }
    }
    Ok(skipped)
}

/// Whether a file that begins with these bytes was packed by gzip, bzip2, xz or zstd.
fn is_packed(begin: &[u8]) -> bool {
    let marks: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];
    marks.iter().any(|mark| begin.starts_with(mark))
}

/// Splits a line; `None` where it is none of syslog.
fn parse(text: &str, now: u64) -> Option<Line<'_>> {
    let (is_numbered, text) = after_priority(text);
    if is_numbered && let Some(text) = text.strip_prefix("1 ") {
        return parse_5424(text);
    }
    let (time, rest) = match text.split_at_checked(15) {
        Some((begin, rest)) if time::rfc3164(begin, now).is_some() => {
            (time::rfc3164(begin, now)?, rest.strip_prefix(' ')?)
        }
        _ => {
            let (begin, rest) = text.split_once(' ')?;
            (time::rfc3339(begin)?, rest)
        }
    };
    let (host, rest) = rest.split_once(' ')?;
    // A tag has no space, and its process number is not ours to use.
    let (tag, message) = rest
        .split_once(": ")
        .or_else(|| Some((rest.strip_suffix(':')?, "")))?;
    let tag = tag.split_once('[').map_or(tag, |(tag, _)| tag);
    (!tag.contains(' ')).then_some(Line {
        time,
        host,
        tag,
        message,
    })
}

/// Splits off `<85>`.
fn after_priority(text: &str) -> (bool, &str) {
    let rest = text.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    match rest {
        Some((number, rest)) if number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()) => {
            (true, rest)
        }
        _ => (false, text),
    }
}

/// The rest of a line of RFC 5424, after its version.
fn parse_5424(text: &str) -> Option<Line<'_>> {
    let mut parts = text.splitn(6, ' ');
    let time = time::rfc3339(parts.next()?)?;
    let (host, tag) = (parts.next()?, parts.next()?);
    let (_process, _id, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let message = after_structured_data(rest)?;
    Some(Line {
        time,
        host,
        tag,
        message: message.strip_prefix('\u{feff}').unwrap_or(message),
    })
}

/// Skips `-` or `[id name="value"]…`, in which `]` inside a value is written `\]`.
fn after_structured_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return rest
            .strip_prefix(' ')
            .or_else(|| rest.is_empty().then_some(rest));
    }
    let mut is_open = false;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '[' => is_open = true,
            ']' => is_open = false,
            '\\' if is_open => {
                characters.next()?;
            }
            ' ' if !is_open => return text.get(at + 1..).filter(|_| at > 0),
            _ if !is_open => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOW: u64 = 1_795_782_896;
    const MESSAGE: &str =
        r#"verdict=refused reason=wrong_code pid=1 uid=0 peer=root rhost="192.0.2.7" user="alice""#;

    fn events(text: &str) -> (Vec<Event>, Skipped) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.log");
        fs::write(&path, text).unwrap();
        let mut events = Vec::new();
        let skipped = read(&path, NOW, &mut |event| {
            events.push(event);
            Ok(())
        });
        (events, skipped.unwrap())
    }

    #[test]
    fn each_form_of_a_line_is_one_event() {
        let rows = [
            format!("2026-11-27T12:00:00.123456+00:00 box pam_authy(sshd:auth)[1]: {MESSAGE}"),
            format!("2026-11-27T13:00:00.123+01:00 box pam_authy(sshd:auth)[1]: {MESSAGE}"),
            format!("<85>2026-11-27T12:00:00.123Z box pam_authy(sshd:auth)[1]: {MESSAGE}"),
            format!("<85>1 2026-11-27T12:00:00.123Z box pam_authy(sshd:auth) 1 - - {MESSAGE}"),
            format!(
                "<85>1 2026-11-27T12:00:00.123Z box pam_authy(sshd:auth) 1 - [a@1 b=\"\\]c \"][d] \u{feff}{MESSAGE}"
            ),
        ];
        for row in rows {
            let (events, skipped) = events(&format!("{row}\n"));
            assert_eq!(skipped.warning(), None, "{row}");
            let [event] = events.as_slice() else {
                panic!("{row}: {events:?}");
            };
            assert_eq!(
                (event.time, event.service.as_str()),
                (1_795_780_800_123, "sshd"),
                "{row}"
            );
            assert_eq!(
                (event.host.as_deref(), event.field("user")),
                (Some("box"), Some("alice"))
            );
        }
        let (found, _) = events(&format!(
            "Nov  5 09:08:07 box pam_authy(locker)[1]: {MESSAGE}"
        ));
        assert_eq!(found[0].service, "locker");
    }

    #[test]
    fn a_text_of_another_program_or_inside_quotes_is_no_event_and_no_field() {
        let inside = r#"verdict=refused reason=unenrolled pid=1 uid=0 peer=root user="x\" verdict=accepted reason=code_accepted user=\"root""#;
        let text = format!(
            "2026-11-27T12:00:00Z box sshd[1]: Invalid user pam_authy(sshd:auth)[1]: {MESSAGE}\n\
             2026-11-27T12:00:00Z box sshd: pam_authy(sshd:auth): {MESSAGE}\n\
             2026-11-27T12:00:00Z box my pam_authy(sshd:auth)[1]: {MESSAGE}\n\
             2026-11-27T12:00:00Z box pam_authy(sshd:auth)[1]: {inside}\n\
             2026-11-27T12:00:00Z box pam_authy(sshd:auth)[1]: the code {MESSAGE}\n"
        );
        let (events, skipped) = events(&text);
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].field("verdict"), Some("refused"));
        assert!(
            events[0]
                .field("user")
                .unwrap()
                .starts_with("x\" verdict=accepted")
        );
        assert_eq!(skipped.unreadable, 1, "{skipped:?}");
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_named() {
        let line = format!("2026-11-27T12:00:00Z box pam_authy(sshd:auth)[1]: {MESSAGE}");
        let cut = &line[..line.len() - 3];
        let long = "x".repeat(200_000);
        let text = format!(
            "{line}\n{cut}\npam_authy(sshd:auth) in no form\n\n{long}\n\u{0}\u{0}pam_authy(\nanother program\n{line}\n{cut}"
        );
        let (events, skipped) = events(&text);
        assert_eq!(events.len(), 2);
        assert_eq!(
            skipped.warning().unwrap(),
            "not readable as an audit line: line 2, line 3, line 6 and 1 more"
        );
    }
}
