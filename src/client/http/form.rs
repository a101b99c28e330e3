//! Writes queries and form bodies, percent-encoded.
//!
//! All but letters, digits and `-_.~` is encoded: `+` as `%2B`, since a raw one is a blank in a form
//! (WHATWG URL, application/x-www-form-urlencoded). Called by the clients.

use std::fmt::Write;

/// Returns `a=b&c=d`; empty if there are no pairs.
pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        percent_encode(name, &mut out);
        out.push('=');
        percent_encode(value, &mut out);
    }
    out
}

/// Returns `?a=b&c=d`; empty if there are no pairs.
pub(crate) fn query_string(pairs: &[(&str, &str)]) -> String {
    match encode(pairs) {
        query if query.is_empty() => query,
        query => format!("?{query}"),
    }
}

fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_encoded() {
        assert_eq!(
            query_string(&[("action", "a b&c=d/é#")]),
            "?action=a%20b%26c%3Dd%2F%C3%A9%23"
        );
        assert_eq!(query_string(&[]), "");
        let pairs = [("To", "+15551234567"), ("Channel", "sms")];
        assert_eq!(encode(&pairs), "To=%2B15551234567&Channel=sms");
    }
}
