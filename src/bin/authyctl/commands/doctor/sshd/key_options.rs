//! The options in front of a key in authorized_keys, and of a name in a file of principals, as sshd
//! reads them: whether they switch off the touch of a security key.
//!
//! Both files are their user's, and not trusted. Pure: reads no file.

use pam_authy::base::factor::Fingerprint;
use pam_authy::host::ssh_key;

/// The option that requires a touch; with `no-` in front it switches the touch off.
pub(super) const OPTION: &str = "touch-required";

/// Returns whether a line of authorized_keys without a touch is one of `keys`; `None` for any other
/// line.
pub(super) fn of_line(line: &str, keys: &[Fingerprint]) -> Option<bool> {
    let line = line.trim_start();
    if line.starts_with('#') || ssh_key::public_key(line).is_some() {
        return None;
    }
    let (options, rest) = split_options(line);
    let is_authority = has_option(options, "cert-authority");
    let key = ssh_key::public_key(rest)?;
    let is_listed = keys.contains(&key.fingerprint) && !is_authority;
    (requires_no_touch(options) && (is_listed || is_authority)).then_some(is_listed)
}

/// Returns `false` for a line of a file of principals without a touch, else `None`.
pub(super) fn of_principal(line: &str) -> Option<bool> {
    let (options, rest) = split_options(line.trim_start());
    (!rest.trim().is_empty() && requires_no_touch(options)).then_some(false)
}

/// Splits a line behind its options: at the first white space outside of quotes.
///
/// Source: OpenSSH, `sshkey_advance_past_options`.
fn split_options(line: &str) -> (&str, &str) {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ' ' | '\t' if !is_quoted => return line.split_at(at),
            _ => {}
        }
    }
    (line, "")
}

/// Returns the names of options, in lower case.
fn names(options: &str) -> Vec<String> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let split = |c: char| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return c == ',' && !is_quoted,
        }
        false
    };
    let options = options.split(split);
    let name = |option: &str| {
        option
            .split('=')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    options.map(name).collect()
}

fn has_option(options: &str, name: &str) -> bool {
    names(options).iter().any(|option| option == name)
}

/// Whether the last option about touch switches it off.
fn requires_no_touch(options: &str) -> bool {
    let names = names(options);
    let last = names.iter().rfind(|name| name.ends_with(OPTION));
    last.is_some_and(|name| name == &format!("no-{OPTION}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7AAAABHNzaDo=";
    const PRINT: &str = "SHA256:dacTzS7N/iiGkNsOsOnxTwiTJrjpIuc5E+vWUkd3q/8";

    #[test]
    fn options_are_read_as_sshd_reads_them() {
        let keys: [Fingerprint; 1] = [PRINT.parse().unwrap()];
        let rows = [
            ("KEY no-touch-required", None),
            ("no-touch-required KEY", Some(true)),
            ("  restrict,NO-touch-REQUIRED\tKEY pat", Some(true)),
            ("no-touch-required,touch-required KEY", None),
            ("touch-required,no-touch-required KEY", Some(true)),
            ("command=\"a,no-touch-required,b\" KEY", None),
            ("command=\"a\\\",b\",no-touch-required KEY", Some(true)),
            ("command=\"a b\",no-touch-required KEY", Some(true)),
            ("cert-authority,no-touch-required KEY", Some(false)),
            ("# no-touch-required KEY", None),
            ("no-touch-required", None),
            ("", None),
        ];
        let mut wrong = Vec::new();
        for (line, expected) in rows {
            let found = of_line(&line.replace("KEY", KEY), &keys);
            if found != expected {
                wrong.push((line, found));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(of_line(&format!("no-touch-required {KEY}"), &[]), None);
        let principals = ["no-touch-required pat", "pat", "no-touch-required"];
        assert_eq!(principals.map(of_principal), [Some(false), None, None]);
    }
}
