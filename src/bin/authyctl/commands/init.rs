//! `init`: checks the API key with Authy, and writes config.toml, which only its owner can read.

use std::fs::{self, DirBuilder};
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use pam_authy::base::secret::Secret;
use pam_authy::client::authy as client;
use pam_authy::store::config::Config;
use serde_json::json;

use super::{authy, connect};
use crate::cli::{Global, InitArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;
use crate::replace_file::{NewFile, replace_file};

/// The sample that becomes config.toml.
const SAMPLE: &str = include_str!("../../../../etc/config.toml");
/// The longest key file that is read, in bytes.
const KEY_LIMIT: u64 = 4096;

pub(crate) fn init(global: &Global, args: &InitArgs) -> Result<Output, CommandError> {
    let path = &global.config;
    if path.symlink_metadata().is_ok() && !args.force {
        return Err(
            CommandError::local(format!("{}: exists already", path.display()))
                .hint("--force overwrites it"),
        );
    }
    let key = read_key(args.key_file.as_deref())?;
    let text = Secret::new(sample(&key, args)?);
    let config = Config::parse(text.expose(), path)?;
    let (client, deadline) = connect(authy(&config, path)?);
    let app = client.app().details(deadline).map_err(|error| {
        let is_refused = matches!(error, client::Error::KeyRefused(_));
        let error = CommandError::from(error);
        if is_refused {
            error.hint("nothing was written; run authyctl init again")
        } else {
            error
        }
    })?;
    write(path, &text).map_err(|error| CommandError::file(path, &error))?;
    // A file that cannot be used is reported now, and not at the first login.
    Config::load(path)?;
    let name = app.get("name").and_then(|name| name.as_str());
    let name = pam_authy::base::text::sanitize(name.unwrap_or("without a name"));
    let lines = vec![
        format!("the key belongs to the application {name}"),
        format!("{} is written", path.display()),
    ];
    Ok(Output::new(lines, json!({"path": path, "app": app})))
}

/// Returns the sample with the key in it and, where given, the service and its CA certificates.
fn sample(key: &Secret, args: &InitArgs) -> Result<String, CommandError> {
    let mut text = SAMPLE.replacen("key = \"\"", &format!("key = {}", quoted(key.expose())), 1);
    if let Some(url) = &args.url {
        let line = "#url = \"https://api.authy.com\"";
        text = text.replacen(line, &format!("url = {}", quoted(url)), 1);
    }
    if let Some(file) = &args.ca_file {
        let file = std::path::absolute(file).map_err(|error| CommandError::file(file, &error))?;
        let line = "#ca_file = \"/etc/pam_authy/ca.pem\"";
        text = text.replacen(
            line,
            &format!("ca_file = {}", quoted(&file.to_string_lossy())),
            1,
        );
    }
    Ok(text)
}

/// Returns a TOML string.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Reads the key from the file, the prompt or standard input, without the newline.
///
/// # Errors
/// It cannot be read, or is not 1 to 200 visible ASCII characters.
pub(super) fn read_key(file: Option<&Path>) -> Result<Secret, CommandError> {
    let text = match file {
        Some(path) => read_limited(
            fs::File::open(path).map_err(|error| CommandError::file(path, &error))?,
            &path.display().to_string(),
        )?,
        None if io::stdin().is_terminal() => rpassword::prompt_password("Authy API key: ")
            .map(Secret::new)
            .map_err(|error| CommandError::local(format!("the terminal: {error}")))?,
        None => read_limited(io::stdin().lock(), "standard input")?,
    };
    let key = text.expose().trim();
    let is_key = (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if is_key {
        Ok(Secret::new(key.to_owned()))
    } else {
        Err(CommandError::new(
            ErrorKind::Usage,
            "a key is 1 to 200 visible ASCII characters",
        ))
    }
}

fn read_limited(from: impl Read, name: &str) -> Result<Secret, CommandError> {
    let mut text = String::new();
    from.take(KEY_LIMIT)
        .read_to_string(&mut text)
        .map_err(|error| CommandError::local(format!("{name}: {error}")))?;
    Ok(Secret::new(text))
}

/// Writes the file with mode 0600, and creates its folder when that is missing.
fn write(path: &Path, text: &Secret) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder)?;
    }
    let new = NewFile {
        prefix: ".config.toml.new-",
        mode: 0o600,
        owner: None,
    };
    replace_file(path, text.expose().as_bytes(), &new)
}
