//! The module's arguments in a PAM stack: `config= users= engine= debug nullok try_first_pass
//! use_first_pass`.
//!
//! A typing error in the stack must not weaken a login silently. An unknown, repeated or malformed
//! argument therefore refuses the whole call. Called for each login by `pam`, which uses `engine` and
//! the first pass, and by `engine`, which uses the rest.

use std::path::PathBuf;

use super::text;

/// The default path of config.toml.
pub const CONFIG: &str = "/etc/pam_authy/config.toml";
/// The default path of users.toml.
pub const USERS: &str = "/etc/pam_authy/users.toml";

/// The engine of this installation; `make` sets it by PREFIX.
pub const ENGINE: &str = match option_env!("PAM_AUTHY_ENGINE") {
    Some(path) => path,
    None => "/usr/libexec/pam_authy/pam_authyd",
};

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
    /// The engine that the module starts; `None` for the one of the installation.
    pub engine: Option<PathBuf>,
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
    pub fn parse<T: AsRef<[u8]>>(args: &[T]) -> Result<Self, String> {
        let mut given = Given::default();
        for arg in args {
            let arg = arg.as_ref();
            given.add(arg).map_err(|why| {
                let shown = text::sanitize(&String::from_utf8_lossy(arg));
                format!("argument {shown}: {why}")
            })?;
        }
        Ok(Self {
            config: given.config.unwrap_or_else(|| CONFIG.into()),
            users: given.users.unwrap_or_else(|| USERS.into()),
            engine: given.engine,
            debug: given.debug.is_some(),
            nullok: given.nullok.is_some(),
            first_pass: given.first_pass.unwrap_or_default(),
        })
    }
}

/// The arguments that were read so far.
#[derive(Default)]
struct Given {
    config: Option<PathBuf>,
    users: Option<PathBuf>,
    engine: Option<PathBuf>,
    debug: Option<()>,
    nullok: Option<()>,
    first_pass: Option<FirstPass>,
}

impl Given {
    /// Reads one more argument.
    fn add(&mut self, arg: &[u8]) -> Result<(), &'static str> {
        let text = std::str::from_utf8(arg).map_err(|_| "not UTF-8")?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let is_repeated = match (name, value) {
            ("config", Some(path)) => self.config.replace(absolute(path)?).is_some(),
            ("users", Some(path)) => self.users.replace(absolute(path)?).is_some(),
            ("engine", Some(path)) => self.engine.replace(absolute(path)?).is_some(),
            ("debug", None) => self.debug.replace(()).is_some(),
            ("nullok", None) => self.nullok.replace(()).is_some(),
            ("try_first_pass", None) => self.first_pass.replace(FirstPass::Try).is_some(),
            ("use_first_pass", None) => self.first_pass.replace(FirstPass::Use).is_some(),
            _ => return Err("unknown"),
        };
        if is_repeated {
            return Err("given twice");
        }
        Ok(())
    }
}

fn absolute(path: &str) -> Result<PathBuf, &'static str> {
    if path.starts_with('/') {
        Ok(path.into())
    } else {
        Err("not an absolute path")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_means_the_files_in_etc() {
        let arguments = Arguments::parse::<&[u8]>(&[]).unwrap();
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
            Arguments::parse(&["config=/c", "users=/u", "engine=/e", "debug", "nullok"]).unwrap();
        assert_eq!(arguments.config, PathBuf::from("/c"));
        assert_eq!(arguments.engine, Some(PathBuf::from("/e")));
        assert!(arguments.debug && arguments.nullok);
    }

    #[test]
    fn an_unknown_repeated_or_malformed_argument_is_refused_by_name() {
        let refused: [(&[&[u8]], &str); 11] = [
            (
                &[b"try_first_pass", b"use_first_pass"],
                "argument use_first_pass: given twice",
            ),
            (&[b"nullOK"], "argument nullOK: unknown"),
            (&[b"debug", b"debug"], "argument debug: given twice"),
            (
                &[b"config=/a", b"config=/a"],
                "argument config=/a: given twice",
            ),
            (
                &[b"config=etc"],
                "argument config=etc: not an absolute path",
            ),
            (&[b"config="], "argument config=: not an absolute path"),
            (&[b"config"], "argument config: unknown"),
            (&[b"engine=x"], "argument engine=x: not an absolute path"),
            (&[b"debug=yes"], "argument debug=yes: unknown"),
            (&[b""], "argument : unknown"),
            (&[b"users=\xff"], "argument users=\u{fffd}: not UTF-8"),
        ];
        let wrong: Vec<_> = refused
            .iter()
            .map(|(args, message)| (Arguments::parse(args), Err((*message).to_owned())))
            .filter(|(parsed, expected)| parsed != expected)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
