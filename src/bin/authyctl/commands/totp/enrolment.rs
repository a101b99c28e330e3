//! What `enroll --totp` and `enroll --twilio-app` have in common: the secret from standard input, and
//! a new one on the screen.

use std::io::{self, BufRead, IsTerminal};

use pam_authy::base::secret::Secret;
use pam_authy::store::users::Entry;
use pam_authy::store::users::write as users;
use zeroize::Zeroizing;

use crate::cli::{EnrollArgs, Global};
use crate::error::{CommandError, ErrorKind};
use crate::output::{print, shown_name};
use crate::qr_code;

/// The longest line that is read of standard input, in bytes.
const LINE_LIMIT: u64 = 4096;

/// Checks what the declarations of the arguments cannot say.
pub(in super::super) fn check_usage(
    global: &Global,
    args: &EnrollArgs,
) -> Result<(), CommandError> {
    let usage = |why: &str| Err(CommandError::new(ErrorKind::Usage, why));
    if args.secret.as_ref().is_some_and(|word| word != "-") {
        // Without the value, which is a secret in the wrong place.
        return usage(
            "--secret takes only -: a secret is read from standard input and is never an argument",
        );
    }
    let is_new = args.secret.is_none();
    if global.json && is_new && !args.no_check {
        return usage(
            "--json cannot ask for a code: add --no-check, or --secret - with the code on line 2",
        );
    }
    if global.quiet && !global.json && is_new && args.output.is_none() {
        return usage("a secret is shown only once: omit --quiet");
    }
    Ok(())
}

/// Checks before anything is shown that the entry can get an app.
pub(in super::super) fn check_entry(entry: &Entry, user: &str) -> Result<(), CommandError> {
    let why = match entry {
        Entry::Enrolled(_) | Entry::Removed { .. } | Entry::Absent => return Ok(()),
        Entry::Invalid { message, .. } => format!("correct it by hand: {message}"),
        Entry::Shared(_) => {
            "several people share it; give one of them an app by hand, in users.toml".to_owned()
        }
    };
    let user = shown_name(user);
    Err(users::Error::OtherForm { user, why }.into())
}

/// Returns the secret from standard input or the terminal, and the first code where it follows there;
/// `None` where a new secret is wanted.
pub(in super::super) fn read_secret(
    args: &EnrollArgs,
) -> Result<(Option<Secret>, Option<Secret>), CommandError> {
    if args.secret.is_none() {
        return Ok((None, None));
    }
    if io::stdin().is_terminal() {
        let secret = rpassword::prompt_password("Secret of the app: ").map(Secret::new);
        let secret =
            secret.map_err(|error| CommandError::local(format!("the terminal: {error}")))?;
        return Ok((Some(secret), None));
    }
    let secret = line()?;
    let code = if args.no_check { None } else { Some(line()?) };
    Ok((Some(secret), code))
}

/// Reads one line of standard input, which may contain a secret.
fn line() -> Result<Secret, CommandError> {
    let mut text = Zeroizing::new(Vec::with_capacity(LINE_LIMIT as usize));
    let failed = |error| CommandError::local(format!("standard input: {error}"));
    let mut input = io::Read::take(io::stdin().lock(), LINE_LIMIT);
    input.read_until(b'\n', &mut text).map_err(failed)?;
    let text = std::str::from_utf8(&text)
        .map_err(|_| CommandError::new(ErrorKind::Usage, "standard input: not UTF-8"))?;
    Ok(Secret::new(text.trim().to_owned()))
}

/// The name of this host, which the app shows.
pub(in super::super) fn host_name() -> String {
    let name = nix::unistd::gethostname().ok();
    let name = name.and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this host".to_owned())
}

/// Shows a new secret: as a QR code, and for typing. A secret that was read is not shown.
pub(in super::super) fn show(
    global: &Global,
    args: &EnrollArgs,
    secret: &str,
    uri: &Secret,
) -> Result<(), CommandError> {
    let mut lines = Vec::new();
    if let Some(file) = &args.output {
        qr_code::write_png(file, uri)?;
        lines.push(format!(
            "{} is written; it contains the secret: delete it once it is scanned",
            file.display()
        ));
    } else if args.secret.is_none() && !global.json {
        lines.extend(qr_code::draw(uri)?);
        lines.push("scan it with the app, or type the secret:".to_owned());
        lines.push(String::new());
        lines.push(format!("    {}", groups(secret)));
        lines.push(String::new());
        lines.push("it is not shown again; anyone who sees it can make the codes".to_owned());
    }
    if !global.json && !global.quiet {
        // A closed standard output is noticed at the end.
        let _ = print(&lines);
    }
    Ok(())
}

/// The secret in groups of four.
fn groups(secret: &str) -> String {
    let mut out = String::with_capacity(secret.len() * 5 / 4);
    for (number, c) in secret.chars().enumerate() {
        if number > 0 && number % 4 == 0 {
            out.push(' ');
        }
        out.push(c);
    }
    out
}
