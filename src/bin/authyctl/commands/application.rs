//! `app`, `stats`, `events`: the application that the API key belongs to.

use std::collections::BTreeSet;

use pam_authy::base::text;
use serde_json::{Map, Value, json};

use super::client;
use crate::cli::{EventsArgs, Global};
use crate::error::CommandError;
use crate::output::{Output, table};

pub(crate) fn app(global: &Global) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    let app = client.app().details(deadline)?;
    Ok(Output::new(table(&rows(&app)), json!({"app": app})))
}

pub(crate) fn stats(global: &Global) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    let stats = client.app().stats(deadline)?;
    // The columns are those of the first month, year and month before the counts. Only --json shows
    // what later months have in addition.
    let mut names: Vec<_> = stats
        .months
        .first()
        .into_iter()
        .flat_map(Map::keys)
        .collect();
    names.sort_by_key(|name| match name.as_str() {
        "year" => 0,
        "month" => 1,
        _ => 2,
    });
    let rows = columns(&names, &stats.months);
    let mut lines = table(&rows);
    if let Some(total) = stats.total_users {
        lines.push(format!("people in all: {total}"));
    }
    let members = json!({
        "stats": stats.months,
        "total_users": stats.total_users,
        "count": stats.count,
    });
    Ok(Output::new(lines, members))
}

pub(crate) fn events(global: &Global, args: &EventsArgs) -> Result<Output, CommandError> {
    let (client, deadline) = client(global)?;
    let filters = args.filters.iter();
    let filters: Vec<_> = filters
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let answer = client
        .app()
        .events(&filters, args.page, args.per_page, deadline)?;
    // Their format is not documented, so every member that an event of this page has is a column.
    let events = answer.get("events").and_then(Value::as_array);
    let events = events.into_iter().flatten().filter_map(Value::as_object);
    let events: Vec<_> = events.cloned().collect();
    let names: BTreeSet<_> = events.iter().flat_map(Map::keys).collect();
    let lines = match events.is_empty() {
        true => vec!["no event".to_owned()],
        false => table(&columns(&Vec::from_iter(names), &events)),
    };
    Ok(Output::new(lines, Value::Object(answer)))
}

/// Returns a row with the names, and one for each object.
fn columns(names: &[&String], objects: &[Map<String, Value>]) -> Vec<Vec<String>> {
    let head = names
        .iter()
        .map(|name| text::sanitize(name.trim_end_matches("_count")));
    let values = |object: &Map<String, Value>| {
        let cells = names.iter().map(|name| shown(object.get(*name)));
        cells.collect()
    };
    let mut rows = vec![head.collect()];
    rows.extend(objects.iter().map(values));
    rows
}

/// Returns the name and the value of every member.
fn rows(object: &Map<String, Value>) -> Vec<Vec<String>> {
    object
        .iter()
        .map(|(name, value)| vec![text::sanitize(name).replace('_', " "), shown(Some(value))])
        .collect()
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "?".to_owned(),
        Some(Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(Value::String(text)) => text::sanitize(text),
        Some(other) => text::sanitize(&other.to_string()),
    }
}
