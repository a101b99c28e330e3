//! Authy: whether it accepts our API key, proves its identity, and agrees with this host on the
//! time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::text;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::{self, Https, Request, Response, Transport};
use pam_authy::factor::connect;
use pam_authy::store::config::{Config, Provider};
use pam_authy::store::users::Mapping;

use super::patience::patiently;
use super::{Administrators, Finding, absent, ids};

/// How far the two clocks may differ before that is a warning.
const CLOCK_LIMIT: Duration = Duration::from_secs(30);

/// Asks Authy for the application of the key, and about the administrators. Blocks for the
/// configured time-out and one second at most, twice.
pub(super) fn check(
    config: &Config,
    mapping: Option<&Mapping>,
    administrators: &Administrators,
) -> Vec<Finding> {
    let Some(authy) = &config.authy else {
        return no_authy(config, mapping).into_iter().collect();
    };
    let date = Rc::new(Cell::new(None));
    let transport = DateRecorder {
        inner: connect::https(authy),
        date: Rc::clone(&date),
    };
    let client = Client::new(transport, &authy.url, authy.key.clone(), authy.timeout);
    let deadline = || Deadline::after(Instant::now(), authy.timeout + Duration::from_secs(1));
    let ask = || client.app().details(deadline());
    match patiently(ask, |error| match error {
        Error::RateLimited(refusal) => refusal.retry_after_seconds,
        _ => None,
    }) {
        Err(error) => vec![failed(&authy.url, &error)],
        Ok(app) => {
            let name = app.get("name").and_then(|name| name.as_str());
            let name = text::sanitize(name.unwrap_or("?"));
            let message = format!(
                "{} proves its identity, and accepts the API key of {name}",
                authy.url
            );
            let mut findings = vec![Finding::ok("service", message)];
            findings.extend(date.take().map(check_clock));
            if let Some(mapping) = mapping {
                findings.extend(ids::check(&client, mapping, administrators, deadline()));
            }
            findings
        }
    }
}

/// A host without Authy needs none, unless a person is enrolled there. Without the mapping, that is
/// not known.
fn no_authy(config: &Config, mapping: Option<&Mapping>) -> Option<Finding> {
    let needed = absent::check("service", Provider::Authy, config, mapping?);
    let none = "neither Authy nor Twilio is configured, and no user needs them";
    needed.or_else(|| (config.twilio.is_none()).then(|| Finding::ok("service", none)))
}

/// Records the date that the server put into its last response.
struct DateRecorder {
    inner: Https,
    date: Rc<Cell<Option<SystemTime>>>,
}

impl Transport for DateRecorder {
    fn send(&self, request: &Request<'_>) -> Result<Response, http::Error> {
        let response = self.inner.send(request)?;
        let date = response.date.as_deref();
        self.date
            .set(date.and_then(|date| httpdate::parse_http_date(date).ok()));
        Ok(response)
    }
}

fn failed(url: &str, error: &Error) -> Finding {
    let finding = Finding::problem("service", format!("{url}: {error}"));
    match error {
        Error::KeyRefused(_) => finding.hint("put the key of your application into config.toml"),
        Error::UntrustedServer(_) => {
            finding.hint("check authy.url, authy.ca_file and this host's clock")
        }
        Error::Unavailable(_) => finding.hint(
            "every login is refused while this lasts, unless when_unavailable says otherwise",
        ),
        _ => finding,
    }
}

fn check_clock(of_server: SystemTime) -> Finding {
    let now = SystemTime::now();
    let difference = now
        .duration_since(of_server)
        .or_else(|_| of_server.duration_since(now))
        .unwrap_or_default();
    if difference > CLOCK_LIMIT {
        let message = format!(
            "this host's clock and the one of Authy differ by {} s",
            difference.as_secs()
        );
        Finding::warning("clock", message)
            .hint("certificates and log lines depend on it; run an NTP client")
    } else {
        Finding::ok("clock", "this host's clock agrees with the one of Authy")
    }
}
