//! The service: whether it takes our key, proves who it is, and agrees on the time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::text;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http::{Https, Request, Response, Transport};
use pam_authy::store::config::Config;

use super::Check;

/// How far the clocks may be apart before it is worth a word.
const CLOCK_LIMIT: Duration = Duration::from_secs(30);
/// Whether the key is taken, the server's certificate holds, and the clocks agree.
pub(super) fn service(config: &Config) -> Vec<Check> {
    let api = &config.api;
    let date = Rc::new(Cell::new(None));
    let transport = Dated {
        inner: Https::new(api.ca_file.clone(), api.proxy.clone()),
        date: Rc::clone(&date),
    };
    let client = Client::new(transport, &api.url, api.key.clone(), api.timeout);
    let deadline = Deadline::after(Instant::now(), api.timeout + Duration::from_secs(1));
    match client.app().details(deadline) {
        Err(error) => vec![refused(&api.url, &error)],
        Ok(app) => {
            let name = app.get("name").and_then(|name| name.as_str());
            let name = text::sanitize(name.unwrap_or("?"));
            let message = format!("{} proves who it is, and takes the key of {name}", api.url);
            let mut checks = vec![Check::ok("service", message)];
            checks.extend(date.take().map(clock));
            checks
        }
    }
}

/// Remembers what the service's clock said.
struct Dated {
    inner: Https,
    date: Rc<Cell<Option<SystemTime>>>,
}

impl Transport for Dated {
    fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let response = self.inner.send(request)?;
        let date = response.date.as_deref();
        self.date
            .set(date.and_then(|date| httpdate::parse_http_date(date).ok()));
        Ok(response)
    }
}

fn refused(url: &str, error: &Error) -> Check {
    let check = Check::problem("service", format!("{url}: {error}"));
    match error {
        Error::KeyRefused(_) => check.hint("put the key of your application into config.toml"),
        Error::UntrustedServer(_) => {
            check.hint("look at api.url and api.ca_file, and at this host's clock")
        }
        Error::Unavailable(_) => check
            .hint("every login is refused while it lasts, unless when_unavailable says otherwise"),
        _ => check,
    }
}

fn clock(service: SystemTime) -> Check {
    let now = SystemTime::now();
    let apart = now
        .duration_since(service)
        .or_else(|_| service.duration_since(now))
        .unwrap_or_default();
    if apart > CLOCK_LIMIT {
        Check::warning(
            "clock",
            format!(
                "this host's clock and the service's are {} s apart",
                apart.as_secs()
            ),
        )
        .hint("certificates and log lines depend on it; run an NTP client")
    } else {
        Check::ok("clock", "the clock agrees with the service's")
    }
}
