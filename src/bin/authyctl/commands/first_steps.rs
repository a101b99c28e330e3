//! authyctl without arguments: what this host still needs, and the commands that are used most.
//! Reads only whether files are there.

use std::path::Path;

use pam_authy::store::config;
use pam_authy::store::users;

use super::{doctor, pam};

/// The commands that are used most, and what each does.
const OFTEN: [(&str, &str); 5] = [
    ("list", "who is enrolled, and with which factors"),
    ("doctor", "what would lock someone out, or let someone in"),
    (
        "explain alice --service sudo",
        "what a login would ask for, and why",
    ),
    (
        "recovery generate alice",
        "codes for the day without a phone",
    ),
    (
        "pam disable",
        "the way back: takes the module out of all stacks",
    ),
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
            "write config.toml; or init twilio, init authy",
        ),
        (
            Path::new(users::DEFAULT_PATH).exists(),
            "enroll \"$USER\" --totp",
            "give yourself an app: it shows a QR code",
        ),
        (
            doctor::is_used(),
            "pam enable sshd",
            "ask for the code; undone unless you confirm the change",
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
        lines.extend([String::new(), "Used most:".to_owned()]);
    }
    lines.extend(OFTEN.iter().map(|(words, text)| row(words, text)));
    lines.extend([
        String::new(),
        "authyctl help shows all commands, authyctl help COMMAND examples of one.".to_owned(),
    ]);
    lines
}

fn row(words: &str, text: &str) -> String {
    format!("  sudo authyctl {words:29} {text}")
}
