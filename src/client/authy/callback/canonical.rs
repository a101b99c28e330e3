//! The canonical text of a callback's parameters, over which its signature is.
//!
//! Source: Authy API, "Validating incoming requests". Called by
//! `callback`.

use serde_json::{Map, Value};

/// Returns the pairs of an object's members, sorted. A member without a pair (`{}`, `[]`) adds
/// nothing.
pub(super) fn canonical_object(
    prefix: &str,
    object: &Map<String, Value>,
    unescaped: &[u8],
) -> String {
    let mut pairs: Vec<_> = object
        .iter()
        .filter_map(|(name, value)| {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}[{name}]")
            };
            canonical_value(&key, value, unescaped)
        })
        .collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// Returns the pairs of one value; `None` if it has none.
fn canonical_value(key: &str, value: &Value, unescaped: &[u8]) -> Option<String> {
    let scalar = match value {
        Value::Object(object) => {
            return Some(canonical_object(key, object, unescaped)).filter(|pair| !pair.is_empty());
        }
        Value::Array(elements) => {
            let key = format!("{key}[]");
            let pairs: Vec<_> = elements
                .iter()
                .filter_map(|element| canonical_value(&key, element, unescaped))
                .collect();
            return Some(pairs.join("&")).filter(|pair| !pair.is_empty());
        }
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
    };
    Some(format!(
        "{}={}",
        encode(key, unescaped),
        encode(&scalar, unescaped)
    ))
}

/// Returns the pairs of a query, decoded and encoded again, sorted by name. Pairs with the same
/// name keep their order.
pub(super) fn canonical_query(query: &str, unescaped: &[u8]) -> String {
    let mut members: Vec<_> = query
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                encode(&decode(name), unescaped),
                encode(&decode(value), unescaped),
            )
        })
        .collect();
    members.sort_by(|one, other| one.0.cmp(&other.0));
    let pairs: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// Form-encodes all but letters, digits and `unescaped`; a space becomes `+`.
pub(super) fn encode(text: &str, unescaped: &[u8]) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte == b' ' {
            out.push('+');
        } else if byte.is_ascii_alphanumeric() || unescaped.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Reverses [`encode`]. Keeps a `%` without two hexadecimal digits after it.
pub(super) fn decode(text: &str) -> String {
    let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16);
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = (hex(bytes.get(at + 1)), hex(bytes.get(at + 2)));
        match (byte, pair) {
            (b'%', (Some(high), Some(low))) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
