//! The module's arguments in a PAM stack: `config= users= debug nullok try_first_pass
//! use_first_pass`.
//!
//! A typing error in the stack must not weaken a login silently. An unknown, repeated or malformed
//! argument therefore refuses the whole call. Called by `pam` for each login.

use std::ffi::CStr;
use std::path::PathBuf;

use super::text;

/// The default path of config.toml.
pub const CONFIG: &str = "/etc/pam_authy/config.toml";
/// The default path of users.toml.
pub const USERS: &str = "/etc/pam_authy/users.toml";

/// Where the text of password and code comes from, with `login.token_in_password`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstPass {
    /// The module asks the person.
    #[default]
    Ask,
    /// From an earlier module, or else typed at our prompt (`try_first_pass`).
    Try,
    /// Only from an earlier module (`use_first_pass`).
    Use,
}

/// The arguments of one line in a PAM stack.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// Path of config.toml.
    pub config: PathBuf,
    /// Path of users.toml.
    pub users: PathBuf,
    /// Whether the log gets a line with the rules of the login.
    pub debug: bool,
    /// Whether unenrolled users need no second factor, as with `unenrolled = "ignore"`.
    pub nullok: bool,
    /// Where the text of password and code comes from.
    pub first_pass: FirstPass,
}

impl Arguments {
    /// Parses the arguments of one call.
    ///
    /// # Errors
    /// A line for the log that names the unknown, repeated or malformed argument.
    pub fn parse(args: &[&CStr]) -> Result<Self, String> {
        let (mut config, mut users, mut debug, mut nullok) = (None, None, None, None);
        let mut first_pass = None;
        for arg in args {
            let shown = || text::sanitize(&arg.to_string_lossy());
            let text = arg
                .to_str()
                .map_err(|_| format!("argument {}: not UTF-8", shown()))?;
            let repeated = match text
                .split_once('=')
                .map_or((text, None), |(k, v)| (k, Some(v)))
            {
                ("config", Some(path)) => config.replace(absolute("config", path)?).is_some(),
                ("users", Some(path)) => users.replace(absolute("users", path)?).is_some(),
                ("debug", None) => debug.replace(()).is_some(),
                ("nullok", None) => nullok.replace(()).is_some(),
                ("try_first_pass", None) => first_pass.replace(FirstPass::Try).is_some(),
                ("use_first_pass", None) => first_pass.replace(FirstPass::Use).is_some(),
                _ => return Err(format!("argument {}: unknown", shown())),
            };
            if repeated {
                return Err(format!("argument {}: given twice", shown()));
            }
        }
        Ok(Self {
            config: config.unwrap_or_else(|| CONFIG.into()),
            users: users.unwrap_or_else(|| USERS.into()),
            debug: debug.is_some(),
            nullok: nullok.is_some(),
            first_pass: first_pass.unwrap_or_default(),
        })
    }
}

fn absolute(name: &str, path: &str) -> Result<PathBuf, String> {
    if path.starts_with('/') {
        Ok(path.into())
    } else {
        Err(format!(
            "argument {name}={}: not an absolute path",
            text::sanitize(path)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_means_the_files_in_etc() {
        let arguments = Arguments::parse(&[]).unwrap();
        assert_eq!(
            arguments.config,
            PathBuf::from("/etc/pam_authy/config.toml")
        );
        assert_eq!(arguments.users, PathBuf::from("/etc/pam_authy/users.toml"));
        assert!(!arguments.debug && !arguments.nullok);
    }

    #[test]
    fn every_argument_is_accepted_once() {
        let arguments =
            Arguments::parse(&[c"config=/c", c"users=/u", c"debug", c"nullok"]).unwrap();
        assert_eq!(arguments.config, PathBuf::from("/c"));
        assert!(arguments.debug && arguments.nullok);
    }

    #[test]
    fn an_unknown_repeated_or_malformed_argument_is_refused_by_name() {
        let refused: [(&[&CStr], &str); 10] = [
            (
                &[c"try_first_pass", c"use_first_pass"],
                "argument use_first_pass: given twice",
            ),
            (&[c"nullOK"], "argument nullOK: unknown"),
            (&[c"debug", c"debug"], "argument debug: given twice"),
            (
                &[c"config=/a", c"config=/a"],
                "argument config=/a: given twice",
            ),
            (
                &[c"config=etc"],
                "argument config=etc: not an absolute path",
            ),
            (&[c"config="], "argument config=: not an absolute path"),
            (&[c"config"], "argument config: unknown"),
            (&[c"debug=yes"], "argument debug=yes: unknown"),
            (&[c""], "argument : unknown"),
            (&[c"users=\xff"], "argument users=\u{fffd}: not UTF-8"),
        ];
        let wrong: Vec<_> = refused
            .iter()
            .map(|(args, message)| (Arguments::parse(args), Err((*message).to_owned())))
            .filter(|(parsed, expected)| parsed != expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
