//! `key`: replaces the API key without a moment in which no key works.
//!
//! The new key is tried first, and nothing is written until Authy accepts it. Then the file that
//! contains the key is replaced as a whole, and restored when the result cannot be used.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use pam_authy::base::secret::Secret;
use pam_authy::base::text;
use pam_authy::host::trusted_file::{self, Access};
use pam_authy::store::config::{self, Config};
use serde_json::json;
use toml_edit::DocumentMut;

use super::init::read_key;
use super::{authy, connect};
use crate::cli::{Global, KeyCommand, KeyRotateArgs};
use crate::error::CommandError;
use crate::output::Output;
use crate::replace_file::{NewFile, replace_file};

/// Where systemd puts credentials, again at each start of a service.
const CREDENTIALS: &str = "/run/credentials/";

pub(crate) fn key(global: &Global, command: &KeyCommand) -> Result<Output, CommandError> {
    match command {
        KeyCommand::Rotate(args) => rotate(global, args),
    }
}

fn rotate(global: &Global, args: &KeyRotateArgs) -> Result<Output, CommandError> {
    let config = Config::load(&global.config)?;
    let current = authy(&config, &global.config)?;
    let location = KeyLocation::find(&global.config)?;
    let new = read_key("Authy API key: ", args.key_file.as_deref())?;
    if new.expose() == current.key.expose() {
        let lines = vec!["this is the current key: nothing was changed".to_owned()];
        return Ok(Output::new(
            lines,
            json!({"path": location.path, "changed": false}),
        ));
    }
    let (client, deadline) = connect(&config::Authy {
        key: new.clone(),
        ..current.clone()
    });
    let app = client.app().details(deadline).map_err(|error| {
        CommandError::from(error).hint("the old key stays in use: nothing was changed")
    })?;
    location.replace_checked(&new, &global.config)?;
    let name = app
        .get("name")
        .and_then(|name| name.as_str())
        .unwrap_or("without a name");
    let lines = vec![
        format!(
            "the new key belongs to the application {}",
            text::sanitize(name)
        ),
        format!(
            "{} contains it; the old one can be withdrawn now",
            location.path.display()
        ),
    ];
    Ok(Output::new(
        lines,
        json!({"path": location.path, "changed": true, "app": app}),
    ))
}

/// The file that contains the key, and its text.
struct KeyLocation {
    path: PathBuf,
    text: Secret,
    /// The file is config.toml, and not one that contains only the key.
    is_config: bool,
}

impl KeyLocation {
    /// Finds the file that `config` takes the key from.
    fn find(config: &Path) -> Result<Self, CommandError> {
        let absolute =
            std::path::absolute(config).map_err(|error| CommandError::file(config, &error))?;
        let text = read(&absolute)?;
        let document: DocumentMut = text.expose().parse().map_err(|_| unreadable(&absolute))?;
        let named = document
            .get("authy")
            .and_then(|table| table.get("key_file"));
        let Some(path) = named.and_then(|path| path.as_str()).map(PathBuf::from) else {
            return Ok(Self {
                path: absolute,
                text,
                is_config: true,
            });
        };
        if path.starts_with(CREDENTIALS) {
            let message = format!("{}: is a credential, which systemd writes", path.display());
            return Err(CommandError::local(message).hint(
                "put the new key where the unit takes the credential from, and restart the unit",
            ));
        }
        let text = read(&path)?;
        Ok(Self {
            path,
            text,
            is_config: false,
        })
    }

    /// Replaces the key, and restores the old text when `config` cannot be loaded with the new one.
    fn replace_checked(&self, new: &Secret, config: &Path) -> Result<(), CommandError> {
        self.replace(new)?;
        let is_used = Config::load(config)
            .ok()
            .and_then(|config| config.authy)
            .is_some_and(|authy| authy.key.expose() == new.expose());
        if is_used {
            return Ok(());
        }
        write(&self.path, &self.text).map_err(|error| CommandError::file(&self.path, &error))?;
        Err(CommandError::local(format!(
            "{}: the new key cannot be used; the old one was restored",
            self.path.display()
        )))
    }

    fn replace(&self, new: &Secret) -> Result<(), CommandError> {
        let text = if self.is_config {
            let mut document: DocumentMut = self
                .text
                .expose()
                .parse()
                .map_err(|_| unreadable(&self.path))?;
            let table = document
                .get_mut("authy")
                .and_then(|table| table.as_table_like_mut());
            let item = table
                .and_then(|table| table.get_mut("key"))
                .and_then(|key| key.as_value_mut());
            let value = item.ok_or_else(|| unreadable(&self.path))?;
            let decor = value.decor().clone();
            *value = new.expose().into();
            *value.decor_mut() = decor;
            Secret::new(document.to_string())
        } else {
            Secret::new(format!("{}\n", new.expose()))
        };
        write(&self.path, &text).map_err(|error| CommandError::file(&self.path, &error))
    }
}

fn read(path: &Path) -> Result<Secret, CommandError> {
    let bytes = trusted_file::read(path, Access::OwnerOnly, trusted_file::LIMIT)
        .map_err(CommandError::local)?;
    String::from_utf8(bytes)
        .map(Secret::new)
        .map_err(|_| unreadable(path))
}

fn unreadable(path: &Path) -> CommandError {
    CommandError::local(format!("{}: has no key to replace", path.display()))
}

/// Replaces the file, or the target of a symbolic link, with one of mode 0600 and the same owner.
fn write(path: &Path, text: &Secret) -> io::Result<()> {
    let path = trusted_file::resolve(path, Access::OwnerOnly).map_err(io::Error::other)?;
    let old = fs::metadata(&path)?;
    let new = NewFile {
        prefix: ".key.new-",
        mode: 0o600,
        owner: Some((old.uid(), old.gid())),
    };
    replace_file(&path, text.expose().as_bytes(), &new)
}
