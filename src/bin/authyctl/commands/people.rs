//! `status`: what Authy knows of a person.

use serde_json::{Value, json};

use super::{client, person};
use crate::cli::{Global, Who};
use crate::failure::Failure;
use crate::output::{Done, table};

pub(crate) fn status(global: &Global, who: &Who) -> Result<Done, Failure> {
    let id = person(global, who)?;
    let (client, deadline) = client(global)?;
    let status = client.users().status(id, deadline)?;
    let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("authy id", id.to_string()),
        row("confirmed", yes(status.confirmed)),
        row("app registered", yes(status.registered)),
        row(
            "country code",
            status
                .country_code
                .map_or("?".into(), |code| code.to_string()),
        ),
        row(
            "cellphone",
            status.phone_number.clone().unwrap_or_else(|| "?".into()),
        ),
        row("devices", status.devices.join(", ")),
    ];
    if status.account_disabled {
        rows.push(row("disabled", yes(true)));
    }
    let mut members = Value::Object(status.all);
    members["authy_id"] = json!(id.number());
    members["confirmed"] = json!(status.confirmed);
    members["registered"] = json!(status.registered);
    members["country_code"] = json!(status.country_code);
    members["phone_number"] = json!(status.phone_number);
    members["devices"] = json!(status.devices);
    Ok(Done::new(table(&rows), members))
}
