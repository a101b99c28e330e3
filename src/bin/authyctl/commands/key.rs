//! `key`: another API key in the place of the present one, without a moment in which no key works.
//!
//! The new key is tried first; until Authy takes it, nothing is written. Then the file that holds the
//! key is replaced as a whole, and the old text comes back when the result can't be used.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::secret::Secret;
use pam_authy::base::text;
use pam_authy::client::authy::Client;
use pam_authy::client::http::Https;
use pam_authy::host::trusted_file::{self, Access};
use pam_authy::store::config::Config;
use serde_json::json;
use toml_edit::DocumentMut;

use super::init::read_key;
use crate::cli::{Global, KeyCommand, KeyRotateArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

/// Where systemd puts credentials, anew at each start of a service.
const CREDENTIALS: &str = "/run/credentials/";

pub(crate) fn key(global: &Global, command: &KeyCommand) -> Result<Output, CommandError> {
    match command {
        KeyCommand::Rotate(args) => rotate(global, args),
    }
}

fn rotate(global: &Global, args: &KeyRotateArgs) -> Result<Output, CommandError> {
    let api = Config::load(&global.config)?.api;
    let holder = Holder::find(&global.config)?;
    let new = Secret::new(
        read_key(args.key_file.as_deref())?
            .expose()
            .trim()
            .to_owned(),
    );
    if new.expose() == api.key.expose() {
        let lines = vec!["this is the present key: nothing is changed".to_owned()];
        return Ok(Output::new(
            lines,
            json!({"path": holder.path, "changed": false}),
        ));
    }
    let deadline = Deadline::after(Instant::now(), api.timeout + Duration::from_secs(1));
    let client = Client::new(
        Https::new(api.ca_file, api.proxy),
        &api.url,
        Secret::new(new.expose().to_owned()),
        api.timeout,
    );
    let app = client
        .app()
        .details(deadline)
        .map_err(|error| CommandError::from(error).hint("the old key stays: nothing is changed"))?;
    holder.replace(&new)?;
    let is_used =
        Config::load(&global.config).is_ok_and(|config| config.api.key.expose() == new.expose());
    if !is_used {
        write(&holder.path, &holder.text).map_err(|error| failed(&holder.path, &error))?;
        return Err(CommandError::new(
            ErrorKind::Local,
            format!(
                "{}: the new key can't be used; the old one is back",
                holder.path.display()
            ),
        ));
    }
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
            "{} holds it; the old one can be withdrawn now",
            holder.path.display()
        ),
    ];
    Ok(Output::new(
        lines,
        json!({"path": holder.path, "changed": true, "app": app}),
    ))
}

/// The file that holds the key, and its text.
struct Holder {
    path: PathBuf,
    text: Secret,
    /// It is config.toml, and not a file with nothing but the key.
    is_config: bool,
}

impl Holder {
    fn find(config: &Path) -> Result<Self, CommandError> {
        let absolute = std::path::absolute(config).map_err(|error| failed(config, &error))?;
        let text = read(&absolute)?;
        let document: DocumentMut = text.expose().parse().map_err(|_| unreadable(&absolute))?;
        let named = document.get("api").and_then(|api| api.get("key_file"));
        let Some(path) = named.and_then(|path| path.as_str()).map(PathBuf::from) else {
            return Ok(Self {
                path: absolute,
                text,
                is_config: true,
            });
        };
        if path.starts_with(CREDENTIALS) {
            let message = format!("{}: is a credential, which systemd writes", path.display());
            return Err(CommandError::new(ErrorKind::Local, message)
                .hint("put the new key where the unit takes the credential from, and restart it"));
        }
        let text = read(&path)?;
        Ok(Self {
            path,
            text,
            is_config: false,
        })
    }

    fn replace(&self, new: &Secret) -> Result<(), CommandError> {
        let text = if self.is_config {
            let mut document: DocumentMut = self
                .text
                .expose()
                .parse()
                .map_err(|_| unreadable(&self.path))?;
            let api = document
                .get_mut("api")
                .and_then(|api| api.as_table_like_mut());
            let item = api
                .and_then(|api| api.get_mut("key"))
                .and_then(|key| key.as_value_mut());
            let value = item.ok_or_else(|| unreadable(&self.path))?;
            let decor = value.decor().clone();
            *value = new.expose().into();
            *value.decor_mut() = decor;
            Secret::new(document.to_string())
        } else {
            Secret::new(format!("{}\n", new.expose()))
        };
        write(&self.path, &text).map_err(|error| failed(&self.path, &error))
    }
}

fn read(path: &Path) -> Result<Secret, CommandError> {
    let bytes = trusted_file::read(path, Access::OwnerOnly, trusted_file::LIMIT)
        .map_err(|error| CommandError::new(ErrorKind::Local, error.to_string()))?;
    String::from_utf8(bytes)
        .map(Secret::new)
        .map_err(|_| unreadable(path))
}

fn unreadable(path: &Path) -> CommandError {
    CommandError::new(
        ErrorKind::Local,
        format!("{}: holds no key to replace", path.display()),
    )
}

fn failed(path: &Path, error: &io::Error) -> CommandError {
    CommandError::new(ErrorKind::Local, format!("{}: {error}", path.display()))
}

/// A new file of mode 0600 beside the old one, with its owner, synced and renamed. A link stays one.
fn write(path: &Path, text: &Secret) -> io::Result<()> {
    let path = trusted_file::resolve(path, Access::OwnerOnly).map_err(io::Error::other)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new()
        .prefix(".key.new-")
        .tempfile_in(folder)?;
    new.write_all(text.expose().as_bytes())?;
    let old = fs::metadata(&path)?;
    chown(new.path(), Some(old.uid()), Some(old.gid()))?;
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
