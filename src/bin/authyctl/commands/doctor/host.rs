//! The service, and what sudo and desktop programs are like on this host.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use pam_authy::client::transport::{Https, Request, Response, Transport};
use pam_authy::client::{Client, Error};
use pam_authy::config::Config;
use pam_authy::deadline::Deadline;
use pam_authy::text;

use super::{Check, Protected};

/// How far the clocks may be apart before it is worth a word.
const CLOCK_LIMIT: Duration = Duration::from_secs(30);
/// Services whose programs ask PAM without being root: they could not read the API key.
const WITHOUT_ROOT: [&str; 14] = [
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
];

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
            let name = text::clean(name.unwrap_or("?"));
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
        Error::FalseIdentity(_) => {
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

pub(super) fn runs_without_root(service: &str) -> Option<Check> {
    WITHOUT_ROOT.contains(&service).then(|| {
        Check::problem(
            &format!("pam {service}"),
            format!(
                "{service} asks PAM without being root: it can't read the key, and stays locked"
            ),
        )
        .hint("take our line out of this service's stack")
    })
}

/// sudo's own settings that matter to a second prompt.
pub(super) fn sudo(protected: &[Protected], config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    if !protected
        .iter()
        .any(|p| p.service == "sudo" || p.service == "sudo-i")
    {
        return checks;
    }
    let mut files = vec![PathBuf::from("/etc/sudoers")];
    let folder = fs::read_dir("/etc/sudoers.d")
        .into_iter()
        .flatten()
        .flatten();
    files.extend(folder.map(|entry| entry.path()));
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let place = format!("{}:{}", file.display(), at + 1);
            if line.contains("passprompt_override") && !line.contains("!passprompt_override") {
                checks.push(
                    Check::warning("sudo", format!("{place}: passprompt_override puts sudo's own prompt in the place of ours"))
                        .hint("take it out: the person would not know that the token is asked for"),
                );
            }
            let tries = line.split_once("passwd_tries=").and_then(|(_, rest)| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<u32>().ok()
            });
            if let Some(tries) = tries.filter(|tries| *tries > 5) {
                let all = tries * config.login("sudo").attempts;
                checks.push(
                    Check::warning("sudo", format!("{place}: passwd_tries={tries} lets somebody try {all} tokens in one call of sudo"))
                        .hint("3 is sudo's default"),
                );
            }
        }
    }
    checks
}
