//! One file for each family of commands, and what they share: the client, and who is meant.

mod application;
mod approvals;
mod doctor;
mod explain;
mod generate;
mod import;
mod init;
mod key;
mod limits;
mod mapping;
mod pam;
mod people;
mod phone;
mod qr;
mod recovery;
mod test;
mod tokens;

use std::path::Path;
use std::time::{Duration, Instant};

use pam_authy::base::deadline::Deadline;
use pam_authy::base::text;
use pam_authy::client::authy::Client;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::http::Https;
use pam_authy::factor::connect;
use pam_authy::store::config::{self, Config};
use pam_authy::store::users::{self, Entry};

use crate::cli::{Command, Global, PersonArg};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

/// Runs one command.
pub(crate) fn run(global: &Global, command: &Command) -> Result<Output, CommandError> {
    pam::carry_out_overdue(command);
    match command {
        Command::Init {
            key_file,
            url,
            ca_file,
            force,
        } => init::init(
            global,
            key_file.as_deref(),
            url.as_deref(),
            ca_file.as_deref(),
            *force,
        ),
        Command::Enroll(how) => mapping::enroll(global, how),
        Command::Unenroll {
            user,
            remote,
            ssh_key,
        } => mapping::unenroll(global, user, *remote, *ssh_key),
        Command::Import {
            file,
            dry_run,
            replace,
        } => import::import(global, file, *dry_run, *replace),
        Command::List => mapping::list(global),
        Command::Index => mapping::index(global),
        Command::Status { who } => people::status(global, who),
        Command::Verify {
            who,
            token,
            no_force,
            action,
        } => tokens::verify(global, who, token.as_deref(), !no_force, action.as_deref()),
        Command::Sms { who, how } => tokens::sms(global, who, how),
        Command::Call { who, how } => tokens::call(global, who, how),
        Command::Push(how) => approvals::push(global, how),
        Command::Approval { uuid } => approvals::approval(global, uuid),
        Command::Qr {
            who,
            label,
            size,
            output,
        } => qr::qr(global, who, label.as_deref(), *size, output.as_deref()),
        Command::App => application::app(global),
        Command::Stats => application::stats(global),
        Command::Phone(what) => phone::phone(global, what),
        Command::Doctor { pam_dir } => doctor::doctor(global, pam_dir),
        Command::Explain {
            user,
            service,
            rhost,
        } => explain::explain(global, user, service, *rhost),
        Command::Test {
            user,
            service,
            module,
        } => test::test(global, user, service, module.as_deref()),
        Command::Limits => limits::limits(global),
        Command::Unlock { user } => limits::unlock(global, user),
        Command::Forget { user } => limits::forget(global, user),
        Command::Recovery(what) => recovery::recovery(global, what),
        Command::Pam(what) => pam::pam(global, what),
        Command::Key(what) => key::key(global, what),
        Command::Completions { shell } => Ok(generate::completions(*shell)),
        Command::Man => generate::man(),
    }
}

/// The client of the configuration, and the deadline for one request.
fn client(global: &Global) -> Result<(Client<Https>, Deadline), CommandError> {
    let config = Config::load(&global.config)?;
    if global.verbose {
        let url = &authy(&config, &global.config)?.url;
        eprintln!("authyctl: service {url}");
    }
    client_of(&config, &global.config)
}

/// The client of `config`, which came from `path`, and the deadline for one request.
fn client_of(config: &Config, path: &Path) -> Result<(Client<Https>, Deadline), CommandError> {
    let authy = authy(config, path)?;
    let deadline = Deadline::after(Instant::now(), authy.timeout + Duration::from_secs(1));
    Ok((connect::authy(authy), deadline))
}

/// The table `[authy]` of `config`, which came from `path`.
fn authy<'a>(config: &'a Config, path: &Path) -> Result<&'a config::Authy, CommandError> {
    config.authy.as_ref().ok_or_else(|| {
        let message = format!("{}: the table [authy] is missing", path.display());
        CommandError::new(ErrorKind::Local, message).hint("authyctl init writes it")
    })
}

/// The authy id of whoever is meant.
fn person(global: &Global, who: &PersonArg) -> Result<AuthyId, CommandError> {
    let user = match (&who.user, who.authy_id) {
        (_, Some(id)) => return Ok(id),
        (Some(user), None) => user,
        (None, None) => {
            return Err(CommandError::new(
                ErrorKind::Usage,
                "USER or --authy-id is needed",
            ));
        }
    };
    match users::find(&global.users, user)?.entry {
        Entry::Enrolled(person) => person.authy_id.ok_or_else(|| {
            let user = text::sanitize_to(user, 64);
            let message = format!("{user} has no authy_id in {}", global.users.display());
            CommandError::new(ErrorKind::Local, message)
                .hint("authyctl enroll USER --authy-id N adds one")
        }),
        Entry::Shared(_) => {
            let user = text::sanitize_to(user, 64);
            let message = format!("{user} is shared by several people");
            Err(CommandError::new(ErrorKind::Local, message)
                .hint("say who is meant by --authy-id N; authyctl list shows them"))
        }
        Entry::Invalid { line, message } => {
            let file = global.users.display();
            Err(CommandError::new(
                ErrorKind::Local,
                format!("{file}:{line}: {message}"),
            ))
        }
        Entry::Absent => {
            let user = text::sanitize_to(user, 64);
            Err(
                CommandError::new(ErrorKind::Local, format!("{user} is not enrolled"))
                    .hint(format!("authyctl enroll {user} --authy-id N")),
            )
        }
    }
}
