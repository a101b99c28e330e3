//! `init`: writes config.toml, which only its owner can read, for one second factor. For Authy and
//! Twilio it checks the API key there first.

mod twilio;

use std::fs::{self, DirBuilder};
use std::io::{self, IsTerminal, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::str::FromStr;

use clap::ValueEnum;
use pam_authy::base::secret::Secret;
use pam_authy::client::authy as client;
use pam_authy::host::toml_file;
use pam_authy::host::trusted_file::{self, Access};
use pam_authy::store::config::Config;
use serde_json::json;
use toml_edit::{DocumentMut, Item, Table, Value};

use super::{authy, connect};
use crate::cli::{Global, InitArgs, InitFactor};
use crate::error::{CommandError, ErrorKind};
use crate::hint::with_sudo;
use crate::output::{Output, argument_or_prompt};
use crate::replace_file::{NewFile, replace_file};

/// The sample that becomes config.toml.
const SAMPLE: &str = include_str!("../../../../../etc/config.toml");
/// Where the key of Authy is found.
const WHERE: &str = "key    console.twilio.com > Authy > your application > Settings: the API key for production, \
                     which does not begin with SK";
/// The longest key file that is read, in bytes.
const KEY_LIMIT: u64 = 4096;

pub(crate) fn init(global: &Global, args: &InitArgs) -> Result<Output, CommandError> {
    match chosen(args)? {
        InitFactor::Totp => init_totp(&global.config),
        InitFactor::Authy => init_authy(&global.config, args),
        InitFactor::Twilio => twilio::init(&global.config, args),
    }
}

/// The factor that the arguments name or mean, or that the person at the terminal chooses.
fn chosen(args: &InitArgs) -> Result<InitFactor, CommandError> {
    let is_twilio = args.service.is_some() || args.key_sid.is_some();
    let has_key = args.key_file.is_some() || args.url.is_some() || args.ca_file.is_some();
    let is_authy = has_key && !is_twilio;
    match args.factor {
        Some(InitFactor::Authy) if is_twilio => Err(CommandError::new(
            ErrorKind::Usage,
            "--service and --key-sid are for init twilio",
        )),
        Some(InitFactor::Totp) if is_twilio || has_key || args.force => Err(CommandError::new(
            ErrorKind::Usage,
            "init totp takes no key, URL or CA certificates, and overwrites nothing",
        )),
        Some(factor) => Ok(factor),
        None if is_twilio => Ok(InitFactor::Twilio),
        None if is_authy => Ok(InitFactor::Authy),
        None if !io::stdin().is_terminal() => {
            let error = CommandError::new(ErrorKind::Usage, "say which second factor to set up");
            Err(error.hint("authyctl init totp, authyctl init twilio, or authyctl init authy"))
        }
        None => {
            eprintln!("totp   an app whose codes this host checks: no account, no network");
            eprintln!(
                "twilio Twilio Verify: SMS, calls and apps; needs an account, each login is paid for"
            );
            eprintln!(
                "authy  the Authy service: needs the API key of an application from before March 2023"
            );
            argument_or_prompt("Which second factor? ", None)
        }
    }
}

impl FromStr for InitFactor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <Self as ValueEnum>::from_str(text.trim(), true).map_err(|_| "type totp, twilio or authy")
    }
}

/// Writes a configuration without a service; one that exists already is enough.
fn init_totp(path: &Path) -> Result<Output, CommandError> {
    let exists = path.symlink_metadata().is_ok();
    if !exists {
        let text = Secret::new(sample_without_authy());
        Config::parse(text.expose(), path)?;
        write(path, &text).map_err(|error| CommandError::file(path, &error))?;
    }
    // A file that cannot be used is reported now, and not at the first login.
    Config::load(path)?;
    let shown = path.display();
    let line = if exists {
        format!("{shown} exists already, and nothing in it needs to change")
    } else {
        format!("{shown} is written")
    };
    let next = with_sudo("next: authyctl enroll USER --totp");
    Ok(Output::new(
        vec![line, next],
        json!({"path": path, "changed": !exists}),
    ))
}

/// Writes the key of an application into the configuration, which keeps everything else, once Authy
/// accepts it.
fn init_authy(path: &Path, args: &InitArgs) -> Result<Output, CommandError> {
    let old = present(path, "authy", args.force)?;
    if io::stdin().is_terminal() && args.key_file.is_none() {
        eprintln!("{WHERE}");
    }
    let key = read_key("Authy API key: ", args.key_file.as_deref())?;
    let text = with_authy(old.as_ref().map_or(SAMPLE, Secret::expose), &key, args);
    let text = Secret::new(text.map_err(|why| {
        CommandError::local(format!("{}: {why}", path.display())).hint("correct it by hand")
    })?);
    let config = Config::parse(text.expose(), path)?;
    let authy = authy(&config, path)?;
    let (client, deadline) = connect(authy);
    let app = client.app().details(deadline).map_err(|error| {
        let is_refused = matches!(error, client::Error::KeyRefused(_));
        let error = not_written(CommandError::from(error), &authy.url);
        if is_refused {
            error.hint(
                "nothing was written; check that the key was copied whole, and is of this service",
            )
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
        with_sudo(
            "next: authyctl enroll USER --authy-id N, or --email and --cellphone of a new person",
        ),
    ];
    Ok(Output::new(
        lines,
        json!({"path": path, "app": app, "changed": true}),
    ))
}

/// The error of a provider at `url` that could not be asked about the key. The file that doctor
/// reads is not there yet.
fn not_written(error: CommandError, url: &str) -> CommandError {
    if error.unreached.is_none() {
        return error;
    }
    error.at(url).hint(
        "nothing was written; once this host reaches that address and trusts its certificate (--url, --ca-file), run the same command again",
    )
}

/// Returns the text of the configuration, if there is one.
///
/// # Errors
/// It has this table already, which is replaced with `replace` only; or it cannot be trusted or read.
fn present(path: &Path, table: &str, replace: bool) -> Result<Option<Secret>, CommandError> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = toml_file::read(path, Access::OwnerOnly, trusted_file::LIMIT).map(Secret::new)?;
    let has_table = Config::parse(text.expose(), path).map_or_else(
        // A table that is not valid is one too.
        |_| text.expose().contains(&format!("\n[{table}]")),
        |config| match table {
            "authy" => config.authy.is_some(),
            _ => config.twilio.is_some(),
        },
    );
    if has_table && !replace {
        let message = format!("{}: has the table [{table}] already", path.display());
        let hint = match table {
            "authy" => "authyctl key rotate replaces the key; --force replaces all that is given",
            _ => "--force replaces all that is given",
        };
        return Err(CommandError::local(message).hint(hint));
    }
    Ok(Some(text))
}

/// The sample for a host without a service: its table is a comment.
fn sample_without_authy() -> String {
    let (before, rest) = SAMPLE.split_once("[authy]").unwrap_or((SAMPLE, ""));
    let (table, after) = rest.split_once("\n[login]").unwrap_or((rest, ""));
    let table = table.replace("\nkey = ", "\n#key = ");
    format!("{before}#[authy]{table}\n[login]{after}")
}

/// Returns the configuration `text` with the key in it and, where given, the service and its CA
/// certificates. Comments, order and everything else stay.
fn with_authy(text: &str, key: &Secret, args: &InitArgs) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|_| "not TOML")?;
    let table = table_of(&mut document, "authy")?;
    table.remove("key_file");
    set(table, "key", key.expose());
    set_server(table, args)?;
    Ok(document.to_string())
}

/// Returns a table of the document. A new one is at the end, behind the comments there.
fn table_of<'a>(document: &'a mut DocumentMut, name: &str) -> Result<&'a mut Table, String> {
    if !document.contains_key(name) {
        let mut new = Table::new();
        if let Some(text) = document.trailing().as_str().filter(|text| !text.is_empty()) {
            new.decor_mut().set_prefix(format!("{text}\n"));
        }
        document.set_trailing("");
        document.insert(name, Item::Table(new));
    }
    let table = document[name].as_table_mut();
    table.ok_or_else(|| format!("write [{name}] on a line of its own"))
}

/// Sets the address of the provider and its CA certificates, where they are given.
fn set_server(table: &mut Table, args: &InitArgs) -> Result<(), String> {
    if let Some(url) = &args.url {
        set(table, "url", url);
    }
    if let Some(file) = &args.ca_file {
        let file =
            std::path::absolute(file).map_err(|error| format!("{}: {error}", file.display()))?;
        set(table, "ca_file", &file.to_string_lossy());
    }
    Ok(())
}

/// Sets a key to a text; the comment after it stays.
fn set(table: &mut Table, key: &str, text: &str) {
    let mut new = Value::from(text);
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(new));
}

/// Reads the key from the file, the prompt or standard input, without the newline.
///
/// # Errors
/// It cannot be read, or is not 1 to 200 visible ASCII characters.
pub(super) fn read_key(prompt: &str, file: Option<&Path>) -> Result<Secret, CommandError> {
    let text = match file {
        Some(path) => read_limited(
            fs::File::open(path).map_err(|error| CommandError::file(path, &error))?,
            &path.display().to_string(),
        )?,
        None if io::stdin().is_terminal() => rpassword::prompt_password(prompt)
            .map(Secret::new)
            .map_err(|error| CommandError::local(format!("the terminal: {error}")))?,
        None => read_limited(io::stdin().lock(), "standard input")?,
    };
    let key = text.expose().trim();
    if key.is_empty() {
        return Err(CommandError::new(ErrorKind::Usage, "no key was given")
            .hint("type it at the prompt, or name a file with --key-file"));
    }
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
