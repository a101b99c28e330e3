//! The commands: one file or folder for each family, and what they share.
//!
//! [`run`] passes a command to its function, which returns what `main` prints.

mod application;
mod approvals;
mod at_authy;
mod audit;
mod check;
mod directory;
mod doctor;
mod explain;
mod first_steps;
mod generate;
mod guide;
mod import;
mod init;
mod key;
mod lasting;
mod limits;
mod list;
mod mapping;
mod metrics;
mod migrate;
mod missing;
mod pam;
mod person;
mod phone;
mod program;
mod qr;
mod recovery;
mod security_key;
mod signals;
mod stack;
mod sudoers;
mod sync;
mod test;
mod tokens;
mod totp;
mod twilio;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use pam_authy::base::deadline::Deadline;
use pam_authy::client::authy::Client;
use pam_authy::client::authy::types::AuthyId;
use pam_authy::client::http::Https;
use pam_authy::factor;
use pam_authy::store::config::{self, Config, Provider};
use pam_authy::store::people::{Found, People};
use pam_authy::store::totp::{self as totp_file, Apps};
use pam_authy::store::users::{self, Entry, Mapping};

pub(crate) use first_steps::first_steps;

use crate::cli::{Command, Global, MigrateCommand, PersonArg};
use crate::error::{CommandError, ErrorKind};
use crate::hint::option;
use crate::output::{Output, shown_name};

/// Runs one command, after changes of stacks that were not confirmed in time are rolled back.
pub(crate) fn run(global: &Global, command: &Command) -> Result<Output, CommandError> {
    pam::roll_back_overdue(command);
    call(global, command).map_err(|error| with_address(global, error))
}

/// Adds the address of the provider that gave no usable answer, as the configuration has it.
fn with_address(global: &Global, error: CommandError) -> CommandError {
    let (Some(provider), Ok(config)) = (error.unreached, Config::load(&global.config)) else {
        return error;
    };
    let url = match provider {
        Provider::Authy => config.authy.map(|authy| authy.url.to_string()),
        Provider::Twilio => config.twilio.map(|twilio| twilio.url.to_string()),
    };
    match url {
        Some(url) => error.at(url),
        None => error,
    }
}

/// Calls the function of a command.
fn call(global: &Global, command: &Command) -> Result<Output, CommandError> {
    match command {
        Command::Init(args) => init::init(global, args),
        Command::Enroll(args) => mapping::enroll(global, args),
        Command::Unenroll(args) => mapping::unenroll(global, args),
        Command::Import(args) => import::import(global, args),
        Command::List(args) if args.missing => missing::list(global),
        Command::List(_) => list::list(global),
        Command::Migrate(MigrateCommand::Status) => migrate::status(global),
        Command::Index => mapping::index(global),
        Command::Sync(args) => sync::sync(global, args),
        Command::Status(args) => person::status(global, args),
        Command::Verify(args) => tokens::verify(global, args),
        Command::Sms(args) => tokens::sms(global, args),
        Command::Call(args) => tokens::call(global, args),
        Command::Email(args) => tokens::email(global, args),
        Command::Push(args) => approvals::push(global, args),
        Command::Approval(args) => approvals::approval(global, args),
        Command::Qr(args) => qr::qr(global, args),
        Command::App => application::app(global),
        Command::Stats => application::stats(global),
        Command::Events(args) => application::events(global, args),
        Command::Person(command) => at_authy::person(global, command),
        Command::Phone(command) => phone::phone(global, command),
        Command::Check => check::check(global),
        Command::Doctor(args) => doctor::doctor(global, args),
        Command::Explain(args) => explain::explain(global, args),
        Command::Test(args) => test::test(global, args),
        Command::Audit(args) => audit::audit(global, args),
        Command::Metrics(args) => metrics::metrics(global, args),
        Command::Limits => limits::limits(global),
        Command::Unlock(args) => limits::unlock(global, args),
        Command::Forget(args) => limits::forget(global, args),
        Command::Recovery(command) => recovery::recovery(global, command),
        Command::Totp(command) => totp::totp(global, command),
        Command::Pam(command) => pam::pam(global, command),
        Command::Key(command) => key::key(global, command),
        Command::Guide => Ok(guide::guide()),
        Command::Completions(args) => generate::completions(args),
        Command::Man => generate::man(),
    }
}

/// Returns the client of the configuration, and the deadline for one request.
fn client(global: &Global) -> Result<(Client<Https>, Deadline), CommandError> {
    let config = Config::load(&global.config)?;
    let authy = authy(&config, &global.config)?;
    if global.verbose {
        eprintln!("authyctl: service {}", authy.url);
    }
    Ok(connect(authy))
}

/// Returns the table `[authy]` of `config`, which came from the file at `path`.
///
/// # Errors
/// The table is missing.
fn authy<'a>(config: &'a Config, path: &Path) -> Result<&'a config::Authy, CommandError> {
    config.authy.as_ref().ok_or_else(|| {
        let message = format!("{}: the table [authy] is missing", path.display());
        CommandError::local(message).hint("authyctl init authy writes it")
    })
}

/// Returns a client with these settings, and the deadline for one request.
fn connect(authy: &config::Authy) -> (Client<Https>, Deadline) {
    let deadline = Deadline::after(Instant::now(), authy.timeout + Duration::from_secs(1));
    (factor::connect::authy(authy), deadline)
}

/// Reads the mapping; a missing one is empty.
fn load_mapping(global: &Global) -> Result<Mapping, CommandError> {
    match Mapping::load(&global.users) {
        Ok(mapping) => Ok(mapping),
        Err(error) if error.is_missing() => Ok(Mapping::default()),
        Err(error) => Err(error.into()),
    }
}

/// Reads users.toml and, where config.toml has `[directory]`, directory.toml as one mapping; a
/// missing users.toml is empty. The error is why directory.toml cannot be used.
fn load_people(global: &Global) -> Result<(Mapping, Option<users::Error>), CommandError> {
    let mut mapping = load_mapping(global)?;
    let error = people(global).add_directory(&mut mapping).err();
    Ok((mapping, error))
}

/// Like [`load_people`], for commands that need both files.
fn load_all_people(global: &Global) -> Result<Mapping, CommandError> {
    match load_people(global)? {
        (mapping, None) => Ok(mapping),
        (_, Some(error)) => Err(no_directory(&error)),
    }
}

/// The error of a directory.toml that cannot be used.
fn no_directory(error: &users::Error) -> CommandError {
    CommandError::local(error.to_string()).hint(if error.is_missing() {
        "authyctl sync writes it; until then everyone who is not in users.toml is refused"
    } else {
        "mend or restore the file, or move it away and run authyctl sync: then nothing is known any more"
    })
}

/// The files that say who is behind a name. Without a configuration that can be read, as for a
/// plain user, that is users.toml alone.
fn people(global: &Global) -> People {
    match Config::load(&global.config) {
        Ok(config) => People::new(&global.users, &config),
        Err(_) => People::without_directory(&global.users),
    }
}

/// Finds the entry of `user`, with the secrets of its people's apps where these can be read.
fn find(global: &Global, user: &str) -> Result<(Found, Apps), users::Error> {
    let mut found = people(global).find(user)?;
    let apps = Apps::of(&global.users, &mut found.entry);
    Ok((found, apps))
}

/// Like [`find`], with the app that the person has enrolled at the prompt, by these rules of a
/// service.
fn find_with_enrolled(
    global: &Global,
    config: &Config,
    rules: &config::Login,
    user: &str,
) -> Result<(Found, Apps), users::Error> {
    let mut found = People::new(&global.users, config).find(user)?;
    let query = totp_file::Query {
        state: &config.paths.state,
        user,
        hold: rules.enroll_hold,
        now: SystemTime::now(),
    };
    let apps = Apps::with_enrolled(&global.users, &mut found.entry, &query);
    Ok((found, apps))
}

/// Like [`find`]; a missing users.toml has no entries.
fn entry(global: &Global, user: &str) -> Result<Entry, CommandError> {
    match find(global, user) {
        Ok((found, _)) => Ok(found.entry),
        Err(error) if error.is_missing() && !global.users.exists() => Ok(Entry::Absent),
        Err(error) => Err(error.into()),
    }
}

/// Like [`entry`], for a command that changes users.toml: a directory.toml that cannot be used must
/// not keep an administrator from it.
fn entry_to_change(global: &Global, user: &str) -> Result<Entry, CommandError> {
    match find(global, user) {
        Ok((found, _)) => Ok(found.entry),
        Err(_) => match users::find(&global.users, user) {
            Ok(found) => Ok(found.entry),
            Err(error) if error.is_missing() => Ok(Entry::Absent),
            Err(error) => Err(error.into()),
        },
    }
}

/// Returns the authy id of the person that the command names.
///
/// # Errors
/// The user is not enrolled, shared by several people, or has an entry that cannot be used.
fn authy_id(global: &Global, person: &PersonArg) -> Result<AuthyId, CommandError> {
    let user = match (&person.user, person.authy_id) {
        (_, Some(id)) => return Ok(id),
        (Some(user), None) => user,
        (None, None) => {
            return Err(CommandError::new(
                ErrorKind::Usage,
                "USER or --authy-id is required",
            ));
        }
    };
    let people = people(global);
    let found = people.find(user)?;
    let file = people.path(found.origin);
    match found.entry {
        Entry::Enrolled(person) => person.authy_id.ok_or_else(|| {
            let user = shown_name(user);
            let message = format!("{user} has no authy_id in {}", file.display());
            CommandError::local(message).hint(format!("authyctl enroll {user} --authy-id N"))
        }),
        Entry::Shared(_) => {
            let user = shown_name(user);
            let message = format!("{user} is shared by several people");
            Err(CommandError::local(message)
                .hint("choose one with --authy-id N; authyctl list shows them"))
        }
        Entry::Invalid { line, message } => {
            let file = file.display();
            Err(CommandError::local(format!("{file}:{line}: {message}")))
        }
        Entry::Removed { .. } => {
            let message = format!(
                "{} was removed from the directory, and is refused",
                shown_name(user)
            );
            let hint = format!("authyctl sync {}", option("--forget", user));
            Err(CommandError::local(message).hint(hint))
        }
        Entry::Absent => {
            let user = shown_name(user);
            Err(
                CommandError::local(format!("{user} is not enrolled")).hint(format!(
                    "authyctl enroll {user} --totp, --phone +E164 or --authy-id N"
                )),
            )
        }
    }
}
