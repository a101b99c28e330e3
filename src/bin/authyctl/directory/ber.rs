//! The two values that are read by hand from BER: the answer to StartTLS, and a page's cookie.
//!
//! Both come from a server, the first one before its identity is known. So nothing here trusts a
//! length, goes deeper than it must, or panics, as the parser of `ldap3` may.

/// The tag of a SEQUENCE.
const SEQUENCE: u8 = 0x30;
/// The tag of an INTEGER.
const INTEGER: u8 = 0x02;
/// The tag of an OCTET STRING.
const OCTET_STRING: u8 = 0x04;
/// The tag of an ENUMERATED.
const ENUMERATED: u8 = 0x0a;
/// The tag of an ExtendedResponse (RFC 4511, 4.12).
const EXTENDED_RESPONSE: u8 = 0x78;

/// The request for StartTLS, as message 1 (RFC 4511, 4.14.1).
pub(super) const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Splits off the first element: its tag, its content, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (length, rest) = length(rest)?;
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Splits off a length of up to four bytes.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let (digits, rest) = rest.split_at_checked(count)?;
    let length = digits
        .iter()
        .fold(0, |sum: usize, digit| sum << 8 | usize::from(*digit));
    Some((length, rest))
}

/// The content of the first element, which must have this tag, and what follows.
fn tagged(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes)?;
    (found == tag).then_some((content, rest))
}

/// How many bytes the message has that begins with these; `None` while that cannot be told. What
/// cannot be a message of LDAP has none.
pub(super) fn message_length(start: &[u8]) -> Option<usize> {
    let (&tag, rest) = start.split_first()?;
    if tag != SEQUENCE {
        return Some(0);
    }
    let (length, content) = length(rest)?;
    (start.len() - content.len()).checked_add(length)
}

/// The result code of the answer to [`START_TLS`]; `None`: it is another message.
pub(super) fn start_tls_result(message: &[u8]) -> Option<u32> {
    let (fields, _) = tagged(message, SEQUENCE)?;
    let (id, fields) = tagged(fields, INTEGER)?;
    let (response, _) = tagged(fields, EXTENDED_RESPONSE)?;
    let (code, _) = tagged(response, ENUMERATED)?;
    (id == [1] && (1..=4).contains(&code.len())).then(|| {
        code.iter()
            .fold(0, |sum: u32, digit| sum << 8 | u32::from(*digit))
    })
}

/// The cookie of the control of paged results in an answer (RFC 2696).
pub(super) fn cookie(value: &[u8]) -> Option<Vec<u8>> {
    let (fields, _) = tagged(value, SEQUENCE)?;
    let (_, fields) = tagged(fields, INTEGER)?;
    let (cookie, _) = tagged(fields, OCTET_STRING)?;
    Some(cookie.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What slapd answers.
    const YES: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";

    #[test]
    fn the_answer_to_start_tls_is_read_and_nothing_else_is_taken_for_it() {
        assert_eq!(start_tls_result(YES), Some(0));
        assert_eq!(message_length(YES), Some(YES.len()));
        assert_eq!(message_length(b"SSH-2.0"), Some(0));
        let refused = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
        assert_eq!(start_tls_result(refused), Some(52));
        for place in 0..YES.len() {
            assert_eq!(start_tls_result(&YES[..place]), None, "cut at {place}");
        }
        let other: [&[u8]; 4] = [
            b"\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
            b"\x30\x84\xff\xff\xff\xff\x02",
            b"SSH-2.0-OpenSSH",
        ];
        for message in other {
            assert_eq!(start_tls_result(message), None, "{message:?}");
        }
    }

    #[test]
    fn a_cookie_is_read_and_a_malformed_control_is_none() {
        assert_eq!(cookie(b"\x30\x05\x02\x01\x00\x04\x00"), Some(vec![]));
        let long = [&b"\x30\x81\x88\x02\x01\x00\x04\x81\x82"[..], &[7; 0x82]].concat();
        assert_eq!(cookie(&long), Some(vec![7; 0x82]));
        for value in [&b""[..], b"\x30\x00", b"\x30\x05\x02\x01\x00\x04\x01"] {
            assert_eq!(cookie(value), None, "{value:?}");
        }
    }
}
