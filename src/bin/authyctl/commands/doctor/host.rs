//! The service, and what sudo and desktop programs are like on this host.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::text;
use pam_authy::client::authy::{Client, Error};
use pam_authy::client::http;
use pam_authy::client::http::{Https, Request, Response, Transport};
use pam_authy::factor::connect;
use pam_authy::store::config::Config;

use super::sudoers::Sudoers;
use super::{Check, Protected};

/// How far the clocks may be apart before it is worth a word.
const CLOCK_LIMIT: Duration = Duration::from_secs(30);
/// Services whose programs ask PAM without being root: they could not read the API key.
const WITHOUT_ROOT: [&str; 21] = [
    "i3lock",
    "swaylock",
    "hyprlock",
    "waylock",
    "gtklock",
    "xscreensaver",
    "xsecurelock",
    "physlock",
    "slock",
    "mate-screensaver",
    "cinnamon-screensaver",
    "gnome-screensaver",
    "kde",
    "xfce4-screensaver",
    "light-locker",
    "vlock",
    "postgresql",
    "apache2",
    "httpd",
    "nginx",
    "squid",
];

/// Whether the key is taken, the server's certificate holds, and the clocks agree.
pub(super) fn service(config: &Config) -> Vec<Check> {
    let Some(authy) = &config.authy else {
        let message = "config.toml has no table [authy], so no factor can be checked";
        let hint = "authyctl init writes it; every enrolled user is refused until then";
        return vec![Check::problem("service", message).hint(hint)];
    };
    let date = Rc::new(Cell::new(None));
    let transport = Dated {
        inner: connect::https(authy),
        date: Rc::clone(&date),
    };
    let client = Client::new(transport, &authy.url, authy.key.clone(), authy.timeout);
    let deadline = Deadline::after(Instant::now(), authy.timeout + Duration::from_secs(1));
    match client.app().details(deadline) {
        Err(error) => vec![refused(&authy.url, &error)],
        Ok(app) => {
            let name = app.get("name").and_then(|name| name.as_str());
            let name = text::sanitize(name.unwrap_or("?"));
            let message = format!(
                "{} proves who it is, and takes the key of {name}",
                authy.url
            );
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
    fn send(&self, request: &Request<'_>) -> Result<Response, http::Error> {
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
            check.hint("look at authy.url and authy.ca_file, and at this host's clock")
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

pub(super) fn runs_without_root(service: &str) -> Option<Check> {
    WITHOUT_ROOT.contains(&service).then(|| {
        Check::problem(
            &format!("pam {service}"),
            format!(
                "{service} asks PAM without being root: it can't read the key, and refuses everybody"
            ),
        )
        .hint("take our line out of this service's stack")
    })
}

/// Tokens that somebody may try in one call of sudo before it is worth a word.
const TRIES_LIMIT: u32 = 5;

/// sudo's own settings that matter to a second prompt, and its two services.
pub(super) fn sudo(
    protected: &[Protected],
    sudoers: &Sudoers,
    pam_dir: &Path,
    config: Option<&Config>,
) -> Vec<Check> {
    let is_protected = |service: &str| protected.iter().any(|p| p.service == service);
    let mut checks = Vec::new();
    match (is_protected("sudo"), is_protected("sudo-i")) {
        (false, false) => return checks,
        (true, false) if pam_dir.join("sudo-i").exists() => checks.push(
            Check::problem(
                "sudo",
                "`sudo -i` asks no second factor: its stack is sudo-i",
            )
            .hint("put our line into sudo-i as well"),
        ),
        _ => {}
    }
    for place in sudoers.prompt_overrides() {
        let message =
            format!("{place}: passprompt_override puts sudo's own prompt in the place of ours");
        checks.push(
            Check::warning("sudo", message)
                .hint("take it out: the person would not know that the token is asked for"),
        );
    }
    for (place, tries) in sudoers.tries() {
        if tries > TRIES_LIMIT {
            let attempts = config.map_or(1, |config| config.login("sudo").attempts);
            let all = tries.saturating_mul(attempts);
            let message = format!(
                "{place}: passwd_tries={tries} lets somebody try {all} tokens in one call of sudo"
            );
            checks.push(Check::warning("sudo", message).hint("3 is sudo's default"));
        }
    }
    checks
}
