//! authyctl without arguments: what this host still needs, and the commands that are used most.
//! Reads only whether files are there.

use std::path::Path;

use pam_authy::store::config;
use pam_authy::store::users;

use super::{doctor, pam};

/// The commands that are used most, and what each does.
const OFTEN: [(&str, &str); 5] = [
    ("list", "who has which factors"),
    ("doctor", "who would be locked out, or let in"),
    (
        "explain alice --service sudo",
        "what a login asks for, and why",
    ),
    ("recovery generate alice", "codes for a lost phone"),
    ("pam disable", "the way back, for all services"),
];

/// Returns the lines of the page.
pub(crate) fn first_steps() -> Vec<String> {
    let mut lines = vec![
        "authyctl administers the second factor of the logins on this host.".to_owned(),
        String::new(),
    ];
    let waiting = pam::waiting();
    if !waiting.is_empty() {
        lines.extend(waiting);
        lines.push(String::new());
    }
    let steps = [
        (
            Path::new(config::DEFAULT_PATH).exists(),
            "init totp",
            "write config.toml",
        ),
        (
            Path::new(users::DEFAULT_PATH).exists(),
            "enroll \"$USER\" --totp",
            "give yourself an app, by a QR code",
        ),
        (
            doctor::is_used(),
            "pam enable sshd",
            "ask for its code at each ssh login",
        ),
    ];
    if steps.iter().all(|(done, ..)| *done) {
        lines.push("This host is set up. Used most:".to_owned());
    } else {
        lines.push("To set up this host, in this order:".to_owned());
        lines.extend(steps.iter().map(|(done, words, text)| {
            let text = if *done { "(done)" } else { text };
            row(words, text)
        }));
        lines.extend([
            "With a provider, begin with init twilio or init authy.".to_owned(),
            String::new(),
            "Used most:".to_owned(),
        ]);
    }
    lines.extend(OFTEN.iter().map(|(words, text)| row(words, text)));
    lines.extend([
        String::new(),
        "authyctl help shows all commands, authyctl help COMMAND examples of one.".to_owned(),
    ]);
    lines
}

fn row(words: &str, text: &str) -> String {
    format!("  sudo authyctl {words:28} {text}")
}
