//! JSON whose objects keep the order of their members, as Authy recorded them.
//!
//! serde_json's own objects are sorted by name. Clients that match an answer's text, such as
//! authy-ssh, need the order of the real service. The macro [`ordered!`] writes such an object.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
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
}
