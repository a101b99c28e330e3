//! Reads a body as one JSON object in which no member is repeated, at any depth.
//!
//! Readers of JSON disagree on which of two equal members counts (RFC 8259 §4), so a body with a
//! repeated member says nothing. Called by the clients; the bodies are not trusted.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Returns the object that is all of `body`. Returns `None` if the body is anything else, or if a
/// member is repeated in the object or within it.
pub(crate) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Unrepeated(Value::Object(object))) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

/// A value in which no object has two members of the same name.
struct Unrepeated(Value);

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

/// Builds a [`Value`] and refuses repeated members.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unrepeated(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unrepeated(value))) = members.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is repeated"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_repeated_member_at_any_depth_makes_a_body_unusable() {
        let rows = [
            ("{}", true),
            (r#" {"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]} "#, true),
            (r#"{"a":1,"A":2,"a ":3}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"b":2,"a":3}"#, false),
            (r#"{"a":1,"\u0061":2}"#, false),
            (r#"{"b":{"a":1,"a":1}}"#, false),
            (r#"{"b":[[{"a":1,"a":1}]]}"#, false),
            (r#"{"a":null,"a":null}"#, false),
            (r#"[{"a":1}]"#, false),
            (r#"{"a":1} x"#, false),
            (r#"{"a":1}{"a":1}"#, false),
            (r#"{"a":1"#, false),
            ("", false),
        ];
        let wrong: Vec<_> = rows
            .iter()
            .filter(|(body, usable)| object(body.as_bytes()).is_some() != *usable)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_body_of_great_depth_is_unusable() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
        assert!(object(deep.as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn an_object_without_repeated_members_is_read_as_by_serde_json(
            texts in prop::collection::btree_map("[a-c\"\\\\é]{0,3}", any::<String>(), 0..6),
            numbers in prop::collection::vec(any::<f64>(), 0..4),
            signed: i64, unsigned: u64, flag: bool,
        ) {
            let value = serde_json::json!({
                "texts": texts, "numbers": numbers, "signed": signed, "unsigned": unsigned,
                "flag": flag, "null": null,
            });
            let text = value.to_string();
            let plain: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(object(text.as_bytes()).map(Value::Object), Some(plain));
        }
    }
}
