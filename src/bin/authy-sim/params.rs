//! The parameters of a request, in any of the encodings that Authy accepted.
//!
//! Authy's clients sent JSON, forms with nested keys (`user[email]`) or everything in the query.
//! [`Params`] reads all three and merges them into one tree, in which the body takes precedence
//! over the query. The handlers in `service/` extract it from each request.

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;

use crate::ordered::Json;

/// The merged parameters of one request, an object in the order of the request.
#[derive(Debug, Clone)]
pub(crate) struct Params(Json);

impl Params {
    /// Reads the query and the body.
    pub(crate) fn read(query: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Self {
        let mut params = Vec::new();
        add_form(&mut params, query.unwrap_or_default().as_bytes());
        let content_type = headers
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        match serde_json::from_slice(body) {
            Ok(Json::Object(members)) => {
                for (name, value) in members {
                    *Json::entry(&mut params, &name) = value;
                }
            }
            _ if content_type.is_some_and(|value| value.contains("json")) => {}
            _ => add_form(&mut params, body),
        }
        Self(Json::Object(params))
    }

    /// Returns a top-level string, number or boolean as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(as_text)
    }

    /// Returns a top-level member unchanged.
    pub(crate) fn value(&self, name: &str) -> Option<&Json> {
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

fn as_text(value: &Json) -> Option<String> {
    match value {
        Json::Value(Value::String(text)) => Some(text.clone()),
        Json::Value(Value::Number(number)) => Some(number.to_string()),
        Json::Value(Value::Bool(flag)) => Some(flag.to_string()),
        Json::Value(_) | Json::List(_) | Json::Object(_) => None,
    }
}

/// The most brackets in a key of a form; a key with more is one name.
const MAX_DEPTH: usize = 8;

/// Adds the pairs of a form. A key `table[name]` goes into the object `table`. Objects in a list
/// are written `list[0][name]`, or `list[][name]`, where a name that the last object has already
/// begins the next one.
fn add_form(params: &mut Vec<(String, Json)>, form: &[u8]) {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form).unwrap_or_default();
    let mut tree = Json::Object(std::mem::take(params));
    for (key, value) in pairs {
        let path = match path(&key) {
            Some(path) if path.len() <= MAX_DEPTH => path,
            _ => vec![key.as_str()],
        };
        insert(&mut tree, &path, value);
    }
    if let Json::Object(mut members) = tree {
        for (_, member) in &mut members {
            number_lists(member);
        }
        *params = members;
    }
}

/// Returns the parts of a key: `a`, `b` and an empty one for `a[b][]`; `None` if a bracket is
/// missing.
fn path(key: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = key.split_once('[') else {
        return Some(vec![key]);
    };
    let rest = rest.strip_suffix(']')?;
    Some(std::iter::once(first).chain(rest.split("][")).collect())
}

/// Puts a value at a path; drops it where the path leads through a value that is no container.
fn insert(tree: &mut Json, path: &[&str], value: String) {
    let Some((first, rest)) = path.split_first() else {
        *tree = value.into();
        return;
    };
    if *tree == Json::NULL {
        *tree = if first.is_empty() {
            Json::List(Vec::new())
        } else {
            Json::Object(Vec::new())
        };
    }
    match tree {
        Json::Object(members) => insert(Json::entry(members, first), rest, value),
        Json::List(all) if first.is_empty() => {
            let is_begun = |last: &Json| rest.first().is_some_and(|next| last.get(next).is_none());
            if !all.last().is_some_and(is_begun) {
                all.push(Json::NULL);
            }
            if let Some(last) = all.last_mut() {
                insert(last, rest, value);
            }
        }
        _ => {}
    }
}

/// Makes a list of each object whose names are numbers and whose members are objects.
fn number_lists(tree: &mut Json) {
    if let Json::List(all) = tree {
        all.iter_mut().for_each(number_lists);
    }
    let Json::Object(members) = tree else { return };
    for (_, member) in &mut *members {
        number_lists(member);
    }
    let numbers = members.iter().map(|(name, member)| {
        let number: Option<u32> = name.parse().ok();
        number.filter(|_| matches!(member, Json::Object(_)))
    });
    let Some(numbers) = numbers
        .collect::<Option<Vec<_>>>()
        .filter(|n| !n.is_empty())
    else {
        return;
    };
    let members = std::mem::take(members)
        .into_iter()
        .map(|(_, member)| member);
    let mut all: Vec<_> = numbers.into_iter().zip(members).collect();
    all.sort_by_key(|(number, _)| *number);
    *tree = Json::List(all.into_iter().map(|(_, member)| member).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, content_type: &str, body: &'static str) -> Params {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", content_type.parse().unwrap());
        Params::read(Some(query), &headers, &Bytes::from_static(body.as_bytes()))
    }

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_object_keeps_the_order_of_the_request_in_each_encoding() {
        let expected = json(r#"{"z": "1", "a": "2", "m": "3"}"#);
        let form = "d[z]=1&d[a]=2&d[m]=3";
        let body = r#"{"d": {"z": "1", "a": "2", "m": "3"}}"#;
        for params in [
            read("", "application/json", body),
            read("", "application/x-www-form-urlencoded", form),
            read(form, "text/plain", ""),
        ] {
            assert_eq!(params.value("d"), Some(&expected));
        }
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
    fn objects_of_a_list_keep_their_order_in_each_spelling() {
        let expected = json(r#"[{"res": "a", "url": "b"}, {"res": "c"}, {"res": "d"}]"#);
        for query in [
            "l[][res]=a&l[][url]=b&l[][res]=c&l[][res]=d",
            "l[10][res]=d&l[0][res]=a&l[2][res]=c&l[0][url]=b",
        ] {
            let params = read(query, "text/plain", "");
            assert_eq!(params.value("l"), Some(&expected), "{query}");
        }
        let params = read("l[]=a&l[]=b&d[0]=x", "text/plain", "");
        assert_eq!(params.value("l"), Some(&json(r#"["a", "b"]"#)));
        assert_eq!(params.value("d"), Some(&json(r#"{"0": "x"}"#)));
    }

    #[test]
    fn a_malformed_or_very_deep_key_is_one_name() {
        let deep = format!("a{}", "[b]".repeat(100_000));
        let params = read(&format!("{deep}=1&a[b=2&a=3&a[b]=4"), "text/plain", "");
        for (key, value) in [(deep.as_str(), "1"), ("a[b", "2"), ("a", "3")] {
            assert_eq!(params.text(key).as_deref(), Some(value));
        }
    }

    #[test]
    fn the_body_takes_precedence_over_the_query() {
        let params = read("a=1&b=2", "application/json", r#"{"a":3}"#);
        assert_eq!(params.text("a").as_deref(), Some("3"));
        assert_eq!(params.text("b").as_deref(), Some("2"));
    }
}
