//! `app`, `stats`: the application that the API key belongs to.

use pam_authy::base::text;
use serde_json::{Map, Value, json};

use super::client;
use crate::cli::Global;
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
    let mut rows = vec![
        names
            .iter()
            .map(|name| name.trim_end_matches("_count").to_owned())
            .collect(),
    ];
    for month in &stats.months {
        rows.push(names.iter().map(|name| shown(month.get(*name))).collect());
    }
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
