//! `enroll --security-key`, `unenroll --security-key`: writes SSH security keys into the mapping,
//! or takes them away. sshd checks the keys, so that nothing here asks a provider.

use std::fs;
use std::io::Read;
use std::path::Path;

use pam_authy::base::factor::Person;
use pam_authy::host::ssh_key::{self, Fingerprint};
use pam_authy::store::config::Config;
use pam_authy::store::users::write;
use serde_json::{Value, json};

use super::{lasting, mapping};
use crate::cli::{EnrollArgs, Global};
use crate::error::{CommandError, ErrorKind};
use crate::output::{Output, shown_name};

/// The largest file of a public key, in bytes: a certificate may have many principals.
const LIMIT: u64 = 64 * 1024;

/// Adds the key to the person's factors.
pub(super) fn enroll(
    global: &Global,
    args: &EnrollArgs,
    key: &str,
) -> Result<Output, CommandError> {
    if args.secret.is_some() || args.no_check || args.output.is_some() {
        let message = "--secret, --no-check and --output need --totp or --twilio-app";
        return Err(CommandError::new(ErrorKind::Usage, message));
    }
    let key = parse(key)?;
    let user = args.user.as_str();
    let before = lasting::entry(global, user);
    let changed = write::add_security_key(&global.users, user, key)?;
    let left = changed.then(|| lasting::follow(global, user, &before));
    let already = if changed { "" } else { "already " };
    let line = format!(
        "{} is {already}enrolled with the security key {key}",
        shown_name(user)
    );
    let warning = lasting::both(mapping::account_warning(user), left.flatten());
    let members = json!({"user": user, "security_key": key.to_string(), "changed": changed});
    Ok(Output {
        warning: lasting::both(warning, unused(global)),
        ..Output::new(vec![line], members)
    })
}

/// Takes the key away from the person.
pub(super) fn unenroll(global: &Global, user: &str, key: &str) -> Result<Output, CommandError> {
    let key = parse(key)?;
    let before = lasting::entry(global, user);
    write::remove_security_key(&global.users, user, key)?;
    let left = lasting::follow(global, user, &before);
    let line = format!("{} has the security key {key} no longer", shown_name(user));
    let members = json!({"user": user, "security_key": key.to_string(), "remote": false});
    Ok(Output {
        warning: left,
        ..Output::new(vec![line], members)
    })
}

/// Returns the fingerprints of the person's security keys.
pub(super) fn texts(person: &Person) -> Vec<String> {
    let keys = person.security_keys.iter();
    keys.map(Fingerprint::to_string).collect()
}

/// Adds the person's security keys to the rows and members of `status`.
pub(super) fn show(person: &Person, rows: &mut Vec<Vec<String>>, members: &mut Value) {
    let keys = texts(person);
    if !keys.is_empty() {
        members["security_keys"] = json!(keys);
    }
    rows.extend(
        keys.into_iter()
            .map(|key| vec!["security key".to_owned(), key]),
    );
}

/// Returns a warning where no service accepts security keys.
fn unused(global: &Global) -> Option<String> {
    let config = Config::load(&global.config).ok()?;
    let is_unused = config.services_with_security_keys().next().is_none();
    let message = "login.factors has no \"security-key\", so the key is not used yet";
    is_unused.then(|| message.to_owned())
}

/// Reads a fingerprint, or the file of a public key.
///
/// # Errors
/// Usage: it is neither. The file must have one key, and that the type of a security key.
fn parse(key: &str) -> Result<Fingerprint, CommandError> {
    if key.starts_with("SHA256:") {
        return key
            .parse()
            .map_err(|error: ssh_key::InvalidFingerprint| usage(&error.to_string()));
    }
    let text =
        read(Path::new(key)).map_err(|error| CommandError::local(format!("{key}: {error}")))?;
    let is_content = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let mut lines = text.lines().filter(is_content);
    let public = lines.next().and_then(ssh_key::public_key);
    let (Some(public), None) = (public, lines.next()) else {
        let error = usage(&format!("{key}: this is not the file of one public key"));
        return Err(error.hint("it has one line and its name ends in .pub"));
    };
    if public.is_security_key {
        Ok(public.fingerprint)
    } else {
        let error = usage(&format!(
            "{key}: this is an SSH key, but not a security key"
        ));
        Err(error.hint("ssh-keygen -t ed25519-sk makes one with the device plugged in"))
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(LIMIT).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn usage(message: &str) -> CommandError {
    CommandError::new(ErrorKind::Usage, message)
}
