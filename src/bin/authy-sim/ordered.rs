//! JSON whose objects keep the order of their members, as Authy recorded them.
//!
//! serde_json's own objects are sorted by name. Clients that match an answer's text, such as
//! authy-ssh, need the order of the real service. The macro [`ordered!`] writes such an object, and
//! what a request has is read in its own order.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    /// A text, a number, a boolean or null.
    Value(Value),
    Object(Vec<(String, Json)>),
    List(Vec<Json>),
}

impl Json {
    /// Adds a member to an object; does nothing to another value.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<Self>) {
        if let Self::Object(members) = self {
            members.push((name.to_owned(), value.into()));
        }
    }
}

impl Json {
    /// The value null.
    pub(crate) const NULL: Self = Self::Value(Value::Null);

    /// Returns a member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                let found = members.iter().find(|(own, _)| own == name);
                found.map(|(_, value)| value)
            }
            Self::Value(_) | Self::List(_) => None,
        }
    }

    /// Returns the place of a member of `members`, which is added as null where it is missing.
    pub(crate) fn entry<'a>(members: &'a mut Vec<(String, Self)>, name: &str) -> &'a mut Self {
        let place = members.iter().position(|(own, _)| own == name);
        let place = place.unwrap_or_else(|| {
            members.push((name.to_owned(), Self::NULL));
            members.len() - 1
        });
        &mut members[place].1
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads any value.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::NULL)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Json::List(all))
    }

    /// As for serde_json, the last one of two members with one name counts.
    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = items.next_entry::<String, Json>()? {
            *Json::entry(&mut members, &name) = value;
        }
        Ok(Json::Object(members))
    }
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
            Self::List(all) => serializer.collect_seq(all),
        }
    }
}

/// Returns an object with these members in this order: `ordered! {"a": 1, "b": ordered! {}}`.
macro_rules! ordered {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::ordered::Json::Object(vec![
            $(($name.to_owned(), $crate::ordered::Json::from($value)),)*
        ])
    };
}
pub(crate) use ordered;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_at_every_level() {
        let mut object = ordered! {
            "z": 1,
            "a": ordered! {"y": Value::Null, "b": true},
            "list": Json::List(vec![ordered! {"d": "x", "c": ["text"]}]),
        };
        object.push("k", "last");
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            r#"{"z":1,"a":{"y":null,"b":true},"list":[{"d":"x","c":["text"]}],"k":"last"}"#
        );
    }

    #[test]
    fn what_is_read_is_written_in_the_same_order() {
        let text = r#"{"z":1,"a":{"y":null,"b":[true,-2,1.5,{"d":"x","c":""}]}}"#;
        let value: Json = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        let twice: Json = serde_json::from_str(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(twice, ordered! {"a": 3, "b": 2});
    }
}
