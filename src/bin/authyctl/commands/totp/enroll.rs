//! `enroll --totp`: makes a secret or reads one, shows it once, asks for the first code of the app,
//! and writes totp.toml and users.toml, in this order: an entry without a secret would refuse the
//! user.

use std::io::{self, BufRead, IsTerminal};

use pam_authy::base::factor::Code;
use pam_authy::base::secret::Secret;
use pam_authy::store::totp::{Authenticator, Recorded, Secrets, write};
use pam_authy::store::users::Entry;
use pam_authy::store::users::write as users;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use zeroize::Zeroizing;

use super::super::{entry, lasting, mapping};
use super::remove::forget;
use super::{is_accepted, now, offset, offset_in_words, path, steps};
use crate::cli::{EnrollArgs, Global};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, argument_or_prompt, print, shown_name};
use crate::{otpauth, qr_code};

/// The bytes of a new secret: 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// The longest line that is read of standard input, in bytes.
const LINE_LIMIT: u64 = 4096;
/// How often a person on a terminal may type the first code.
const TRIES: u32 = 3;

pub(in super::super) fn enroll(global: &Global, args: &EnrollArgs) -> Result<Output, CommandError> {
    check_usage(global, args)?;
    let user = args.user.as_str();
    let before = entry(global, user)?;
    check_entry(&before, user)?;
    let (app, first_code) = read_input(args)?;
    let uri = otpauth::write(&app, user, &host_name());
    let present = present(global, user)?;
    let members = |changed: bool| {
        json!({
            "user": user,
            "secret": app.to_base32().as_str(),
            "uri": uri.expose(),
            "changed": changed,
        })
    };
    if present
        .as_ref()
        .is_some_and(|present| present.is_same_as(&app))
        && has_totp(&before)
    {
        let line = format!("{} is already enrolled with this app", shown_name(user));
        return Ok(Output::new(vec![line], members(false)));
    }
    if present.is_some_and(|present| !present.is_same_as(&app)) && !args.replace {
        return Err(write::Error::OtherSecret(shown_name(user)).into());
    }
    show(global, args, &app, &uri)?;
    if args.no_check {
        // Without a configuration there is no state folder yet, and the first login makes the file.
        let _ = steps(global).map(|steps| steps.prepare(app.id()));
    } else if let Err(error) = use_up_first_code(global, &app, first_code) {
        if let Some(file) = &args.output {
            // Its secret is not in use. If the file stays, it does no harm.
            let _ = std::fs::remove_file(file);
        }
        return Err(error);
    }
    let change = write::set(&path(global), user, &app, args.replace)?;
    let all = [user.to_owned()];
    let outcome = users::add_totp(&global.users, &all)?.pop();
    outcome.transpose()?;
    let left = lasting::follow(global, user, &before);
    if let Some(old) = change.previous.filter(|old| *old != app.id()) {
        // It is of no use any more, and does no harm where it stays.
        let _ = forget(global, old);
    }
    let line = format!(
        "{} is enrolled with an app whose codes this host checks",
        shown_name(user)
    );
    Ok(Output {
        warning: lasting::both(mapping::account_warning(user), left),
        ..Output::new(vec![line], members(true))
    })
}

fn has_totp(entry: &Entry) -> bool {
    matches!(entry, Entry::Enrolled(person) if person.totp.is_some())
}

/// Checks what the declarations of the arguments cannot say.
fn check_usage(global: &Global, args: &EnrollArgs) -> Result<(), CommandError> {
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
fn check_entry(entry: &Entry, user: &str) -> Result<(), CommandError> {
    let why = match entry {
        Entry::Enrolled(_) | Entry::Absent => return Ok(()),
        Entry::Invalid { message, .. } => format!("correct it by hand: {message}"),
        Entry::Shared(_) => {
            "several people share it; give one of them an app by hand, in users.toml".to_owned()
        }
    };
    let user = shown_name(user);
    Err(users::Error::OtherForm { user, why }.into())
}

/// The present secret of the user, if it can be used.
fn present(global: &Global, user: &str) -> Result<Option<Authenticator>, CommandError> {
    match Secrets::load(&path(global)) {
        Ok(secrets) => Ok(secrets.find(user).ok().cloned()),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the app, new or from standard input, and the first code where it follows there.
fn read_input(args: &EnrollArgs) -> Result<(Authenticator, Option<Secret>), CommandError> {
    if args.secret.is_none() {
        return Ok((new_app()?, None));
    }
    if io::stdin().is_terminal() {
        let secret = rpassword::prompt_password("Secret of the app: ").map(Secret::new);
        let secret =
            secret.map_err(|error| CommandError::local(format!("the terminal: {error}")))?;
        return Ok((app(&secret)?, None));
    }
    let app = app(&line()?)?;
    let code = if args.no_check { None } else { Some(line()?) };
    Ok((app, code))
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

/// Reads a secret in base 32, or an `otpauth://` address.
fn app(text: &Secret) -> Result<Authenticator, CommandError> {
    let usage = |why: String| CommandError::new(ErrorKind::Usage, format!("the secret: {why}"));
    let text = text.expose();
    if otpauth::is_address(text) {
        return otpauth::read(text).map_err(usage);
    }
    Authenticator::from_base32(text).map_err(|error| usage(error.to_string()))
}

/// Makes a secret of 160 random bits.
fn new_app() -> Result<Authenticator, CommandError> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    SystemRandom::new()
        .fill(bytes.as_mut())
        .map_err(|_| CommandError::local("the system has no random numbers"))?;
    Authenticator::from_bytes(bytes.as_ref()).map_err(CommandError::local)
}

/// The name of this host, which the app shows.
fn host_name() -> String {
    let name = nix::unistd::gethostname().ok();
    let name = name.and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this host".to_owned())
}

/// Shows a new secret: as a QR code, and for typing. A secret that was read is not shown.
fn show(
    global: &Global,
    args: &EnrollArgs,
    app: &Authenticator,
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
        lines.push(format!("    {}", groups(&app.to_base32())));
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

/// Checks the first code of the app, so that every enrolled user can log in, and uses it up. Nothing
/// else is written yet.
fn use_up_first_code(
    global: &Global,
    app: &Authenticator,
    code: Option<Secret>,
) -> Result<(), CommandError> {
    let steps = steps(global)?;
    let is_asked = code.is_none() && io::stdin().is_terminal();
    let mut tries = if is_asked { TRIES } else { 1 };
    loop {
        tries -= 1;
        let given = code.as_ref().map(Secret::expose);
        let typed: Result<Code, _> = argument_or_prompt("First code of the app: ", given);
        let checked = typed.and_then(|code| check(app, &code));
        match checked {
            Ok(time) => {
                return match steps.record(app.id(), &[time]) {
                    Ok(Recorded::New) => Ok(()),
                    Ok(Recorded::Used(_)) => {
                        Err(refused("the code was used already").hint("wait for the next code"))
                    }
                    Err(failure) => Err(CommandError::local(match failure {
                        pam_authy::store::state::Failure::Disk(why)
                        | pam_authy::store::state::Failure::Process(why)
                        | pam_authy::store::state::Failure::State(why) => why,
                    })),
                };
            }
            Err(error) if tries == 0 => return Err(error),
            Err(error) => eprintln!("{}", error.message),
        }
    }
}

/// Returns when the step of a right code begins.
fn check(app: &Authenticator, code: &Code) -> Result<u64, CommandError> {
    let now = now()?;
    let Some(offset) = offset(app, code, now) else {
        let hint = "nothing was changed; scan the code again, or type the secret again";
        return Err(refused("the code is wrong").hint(hint));
    };
    if !is_accepted(app, offset) {
        let words = offset_in_words(offset);
        let hint = "nothing was changed; set both clocks by the network";
        return Err(refused(&format!("no login would accept the code: {words}")).hint(hint));
    }
    let period = u64::from(app.period());
    Ok((now / period * period).saturating_add_signed(offset))
}

fn refused(why: &str) -> CommandError {
    CommandError::new(ErrorKind::Refused, why)
}
