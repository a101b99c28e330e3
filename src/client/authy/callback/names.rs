//! The names of a callback's parameters: which of them the signature binds, and the tree that those of
//! a query are.
//!
//! Source: Authy API, "Validating incoming requests": a query has the names `a[b][c]` for the members
//! of objects, and `a[]` for the elements of an array. Called by `callback` for parameters whose
//! signature is right.

use serde_json::{Map, Value, json};

use super::canonical::decode;

/// Whether each name in an object, at any depth, has one reading: it is not empty, and has no
/// brackets.
pub(super) fn are_plain(object: &Map<String, Value>) -> bool {
    object
        .iter()
        .all(|(name, value)| is_plain(name) && has_plain_names(value))
}

fn has_plain_names(value: &Value) -> bool {
    match value {
        Value::Object(object) => are_plain(object),
        Value::Array(elements) => elements.iter().all(has_plain_names),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['[', ']'])
}

/// Returns the parameters of a query as a tree. An array gets only the elements that are texts, since
/// a query does not say which members of other elements belong together. Returns `None` if a name is
/// no path, or is given twice, as a text and as an object, or as an object and as an array.
pub(super) fn tree(query: &str) -> Option<Map<String, Value>> {
    let mut all = Map::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        insert(&mut all, &path(&decode(name))?, decode(value))?;
    }
    Some(all)
}

/// Returns `a`, `b` and an empty text for `a[b][]`. Returns `None` for any other form.
fn path(name: &str) -> Option<Vec<String>> {
    let (first, rest) = match name.find('[') {
        Some(at) => (name.get(..at)?, name.get(at..)?),
        None => (name, ""),
    };
    if !is_plain(first) {
        return None;
    }
    let mut path = vec![first.to_owned()];
    let mut rest = rest;
    while !rest.is_empty() {
        let (part, after) = rest.strip_prefix('[')?.split_once(']')?;
        if part.contains('[') {
            return None;
        }
        path.push(part.to_owned());
        rest = after;
    }
    Some(path)
}

/// Puts a value into the tree, unless something else is at its place.
fn insert(object: &mut Map<String, Value>, path: &[String], value: String) -> Option<()> {
    let (name, rest) = path.split_first()?;
    match rest {
        [] if object.contains_key(name) => None,
        [] => object
            .insert(name.clone(), json!(value))
            .is_none()
            .then_some(()),
        [element, below @ ..] if element.is_empty() => {
            let array = object.entry(name.clone()).or_insert_with(|| json!([]));
            let array = array.as_array_mut()?;
            if below.is_empty() {
                array.push(json!(value));
            }
            Some(())
        }
        below => {
            let inner = object.entry(name.clone()).or_insert_with(|| json!({}));
            insert(inner.as_object_mut()?, below, value)
        }
    }
}
