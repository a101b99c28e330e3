//! The parameters of a request, in any of the encodings that Authy accepted.
//!
//! Authy's clients sent JSON, forms with nested keys (`user[email]`) or everything in the query.
//! [`Params`] reads all three and merges them into one tree, in which the body takes precedence
//! over the query. The handlers in `service/` extract it from each request.

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::{Map, Value};

/// The merged parameters of one request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Reads the query and the body.
    pub(crate) fn read(query: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Self {
        let mut params = Map::new();
        add_form(&mut params, query.unwrap_or_default().as_bytes());
        let content_type = headers
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => params.extend(object),
            _ if content_type.is_some_and(|value| value.contains("json")) => {}
            _ => add_form(&mut params, body),
        }
        Self(params)
    }

    /// Returns a top-level string, number or boolean as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(as_text)
    }

    /// Returns a top-level member unchanged.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns a value inside a table as text: `user[email]`.
    pub(crate) fn text_in(&self, table: &str, name: &str) -> Option<String> {
        self.0.get(table)?.get(name).and_then(as_text)
    }

    /// Whether a flag is true, as a boolean or as text in any case; the Python client sends `True`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Adds the pairs of a form; a key `table[name]` goes into the object `table`.
fn add_form(params: &mut Map<String, Value>, form: &[u8]) {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form).unwrap_or_default();
    for (key, value) in pairs {
        match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((table, name)) => {
                let inner = params
                    .entry(table)
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(inner) = inner {
                    inner.insert(name.to_owned(), Value::String(value));
                }
            }
            None => {
                params.insert(key, Value::String(value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, content_type: &str, body: &'static str) -> Params {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", content_type.parse().unwrap());
        Params::read(Some(query), &headers, &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn json_form_and_query_give_the_same_parameters() {
        let encodings = [
            read(
                "",
                "application/json",
                r#"{"user":{"email":"a@b.test"},"force":true}"#,
            ),
            read(
                "",
                "application/x-www-form-urlencoded",
                "user[email]=a%40b.test&force=true",
            ),
            read("user[email]=a@b.test&force=true", "text/plain", ""),
        ];
        for params in encodings {
            assert_eq!(params.text_in("user", "email").as_deref(), Some("a@b.test"));
            assert!(params.flag("force"));
        }
    }

    #[test]
    fn the_body_takes_precedence_over_the_query() {
        let params = read("a=1&b=2", "application/json", r#"{"a":3}"#);
        assert_eq!(params.text("a").as_deref(), Some("3"));
        assert_eq!(params.text("b").as_deref(), Some("2"));
    }
}
