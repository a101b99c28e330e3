//! Our own files: config.toml, users.toml, the module and its engine.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use pam_authy::base::arguments::{Arguments, ENGINE};
use pam_authy::base::factor::{Person, Providers};
use pam_authy::factor::connect;
use pam_authy::host::trusted_file::{self, Access};
use pam_authy::store::config::Config;
use pam_authy::store::people::{Origin, People};
use pam_authy::store::users::{self, Entry, Mapping};

use super::{Finding, directory, secrets};
use crate::cli::Global;
use crate::commands::stack::{Handler, Place};
use crate::commands::test::MODULE_FOLDERS;
use crate::commands::totp::at_prompt;
use crate::output::shown_name;

/// The number of users from which on a login without the index takes noticeably longer.
pub(super) const INDEX_THRESHOLD: usize = 1000;

/// Loads the configuration and the mapping, with the apps that people have enrolled at the prompt;
/// each is `None` where it cannot be used.
pub(super) fn load(global: &Global) -> (Vec<Finding>, Option<Config>, Option<Mapping>) {
    let mut findings = Vec::new();
    let refused = "every login of every protected service is refused until this is fixed";
    let config = match Config::load(&global.config) {
        Ok(config) => {
            let path = global.config.display();
            let message = format!("{path} is valid, and only root can read it");
            findings.push(Finding::ok("config", message));
            Some(config)
        }
        Err(error) => {
            let problem = || Finding::problem("config", error.to_string()).hint(refused);
            findings.push(hidden("config", &global.config).unwrap_or_else(problem));
            None
        }
    };
    let mapping = match Mapping::load(&global.users) {
        Ok(mut mapping) => {
            // What is said of totp.toml is about users.toml alone.
            let of_secrets = secrets::check(&global.users, &mapping, config.as_ref());
            let providers = config
                .as_ref()
                .map(|config| connect::providers(config, &config.login("sshd")));
            let mut of_directory = Vec::new();
            if let (Some(config), Some(providers)) = (&config, providers) {
                of_directory = directory::check(config, providers, &mapping);
                // A file that cannot be used is one of these findings.
                let _ = People::new(&global.users, config).add_directory(&mut mapping);
                at_prompt::include(&mut mapping, &global.users, config);
            }
            let has_directory = config.as_ref().is_some_and(|one| one.directory.is_some());
            findings.push(check_mapping(
                &global.users,
                &mapping,
                providers,
                has_directory,
            ));
            findings.extend(of_directory);
            findings.extend(of_secrets);
            Some(mapping)
        }
        Err(error) => {
            let problem = || Finding::problem("users", error.to_string()).hint(refused);
            findings.push(hidden("users", &global.users).unwrap_or_else(problem));
            None
        }
    };
    (findings, config, mapping)
}

/// Returns what is known of a file that only root can read, for a plain user who asks.
pub(super) fn hidden(check: &str, path: &Path) -> Option<Finding> {
    let error = fs::File::open(path).err();
    let is_hidden = error.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    (is_hidden && !Uid::effective().is_root()).then(|| {
        let message = format!("not root: cannot look at {}", path.display());
        Finding::unknown(check, message).hint("run doctor as root")
    })
}

/// Checks every entry of users.toml; `has_directory` says that it need not have one. `providers` says which factors this host can check, where the configuration
/// is valid.
fn check_mapping(
    path: &Path,
    mapping: &Mapping,
    providers: Option<Providers>,
    has_directory: bool,
) -> Finding {
    let file = path.display();
    let own = || (mapping.iter()).filter(|(user, _)| mapping.origin(user) == Origin::Users);
    let is_supported =
        |person: &Person| providers.is_none_or(|providers| person.has_supported(providers));
    let invalid = own().find_map(|(user, entry)| {
        let unsupported = match entry {
            Entry::Invalid { line, message } => return Some(format!("{file}:{line}: {message}")),
            Entry::Enrolled(person) => !is_supported(person),
            Entry::Shared(shared) => !shared.keys.values().all(is_supported),
            Entry::Removed { .. } | Entry::Absent => false,
        };
        let user = shown_name(user);
        unsupported.then(|| format!("{file}: {user}: this host can check no factor of the entry"))
    });
    match (invalid, own().count()) {
        (Some(message), _) => {
            Finding::problem("users", message).hint("that user is refused until this is fixed")
        }
        (None, 0) if has_directory => Finding::ok("users", format!("{file} names no users")),
        (None, 0) => Finding::warning("users", format!("{file} names no users"))
            .hint("authyctl enroll USER --totp, --phone +E164 or --authy-id N"),
        (None, 1) => Finding::ok("users", format!("{file} is valid and names one user")),
        (None, count) if count >= INDEX_THRESHOLD && !users::is_indexed(path) => {
            let message = format!(
                "{file} is valid and names {count} users, but its index is missing or out of date: each login reads the whole file"
            );
            Finding::warning("users", message).hint("authyctl index")
        }
        (None, count) => Finding::ok("users", format!("{file} is valid and names {count} users")),
    }
}

/// Checks the file of every line of our module: it exists, only root can change it, and it is built
/// for this architecture.
pub(super) fn modules(lines: &[Handler]) -> Vec<Finding> {
    let mut files: Vec<(PathBuf, &Place)> = Vec::new();
    for line in lines {
        let Some(module) = line.module() else {
            continue;
        };
        let mut paths = MODULE_FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join(&module.path));
        let path = paths
            .find(|path| path.exists())
            .unwrap_or_else(|| module.path.clone());
        if !files.iter().any(|(known, _)| *known == path) {
            files.push((path, &line.place));
        }
    }
    files
        .iter()
        .map(|(path, place)| check_module(path, place))
        .collect()
}

/// Checks the arguments of every line of our module by the module's own parser, and the files that
/// they name; `global` names those that are checked anyway.
pub(super) fn arguments(lines: &[Handler], global: &Global) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in lines {
        let Some(module) = line.module() else {
            continue;
        };
        let place = &line.place;
        let refused = "every login of this service is refused until this is fixed";
        let mut problem = |why: String| {
            let finding = Finding::problem("arguments", format!("{place}: {why}")).hint(refused);
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        };
        let arguments = match Arguments::parse(&module.arguments) {
            Ok(arguments) => arguments,
            Err(why) => {
                problem(why);
                continue;
            }
        };
        // A line without these arguments uses the default files, whatever doctor was given.
        let is_given = |name: &str| module.arguments.iter().any(|given| given.starts_with(name));
        if is_given("config=")
            && arguments.config != global.config
            && hidden("arguments", &arguments.config).is_none()
            && let Err(error) = Config::load(&arguments.config)
        {
            problem(error.to_string());
        }
        if is_given("users=")
            && arguments.users != global.users
            && let Err(error) = Mapping::load(&arguments.users)
        {
            problem(error.to_string());
        }
    }
    findings
}

fn check_module(path: &Path, place: &Place) -> Finding {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return Finding::problem("module", format!("{place}: {shown}: {error}"))
                .hint("libpam refuses every login of this service until the module is there");
        }
    };
    if metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
        let message = format!("{shown}: users other than root can change it");
        return Finding::problem("module", message)
            .hint("chown root and chmod 0644: it runs as root inside sshd and sudo");
    }
    check_architecture("module", path)
}

/// Checks the file of every engine that a line of our module starts: the module would start it, and
/// it is built for this architecture.
pub(super) fn engines(lines: &[Handler]) -> Vec<Finding> {
    let mut files: Vec<(&str, &Place)> = Vec::new();
    for line in lines {
        let arguments = line
            .module()
            .into_iter()
            .flat_map(|module| &module.arguments);
        let named = arguments
            .into_iter()
            .find_map(|argument| argument.strip_prefix("engine="));
        let path = named.unwrap_or(ENGINE);
        if !files.iter().any(|(known, _)| *known == path) {
            files.push((path, &line.place));
        }
    }
    files
        .iter()
        .map(|(path, place)| check_engine(Path::new(path), place))
        .collect()
}

fn check_engine(path: &Path, place: &Place) -> Finding {
    let refused = "the module refuses every login of this service until that is fixed: install the package again";
    let opened = match trusted_file::open(path, Access::WorldReadable) {
        Ok(opened) => opened,
        Err(error) => return Finding::problem("engine", format!("{place}: {error}")).hint(refused),
    };
    let mode = opened.file.metadata().map_or(0, |status| status.mode());
    if mode & 0o100 == 0 {
        let message = format!("{place}: {}: it is not executable", path.display());
        return Finding::problem("engine", message).hint(refused);
    }
    check_architecture("engine", path)
}

/// Checks that a file of ours is built for the same machine as this program.
fn check_architecture(name: &'static str, path: &Path) -> Finding {
    let shown = path.display();
    let own = std::env::current_exe()
        .ok()
        .and_then(|path| architecture(&path));
    match architecture(path) {
        None => Finding::problem(name, format!("{shown}: is no program of Linux (ELF)"))
            .hint("every login of this service is refused until it is replaced"),
        Some(other) if own.is_some_and(|own| own != other) => {
            Finding::problem(name, format!("{shown}: is built for another architecture"))
                .hint("install the package for this architecture")
        }
        Some(_) => Finding::ok(
            name,
            format!("{shown} is installed, and built for this architecture"),
        ),
    }
}

/// Returns the class and the machine number of an ELF file (bytes 4, 18 and 19 of its header,
/// elf(5)).
fn architecture(path: &Path) -> Option<(u8, Vec<u8>)> {
    let mut header = [0_u8; 20];
    fs::File::open(path).ok()?.read_exact(&mut header).ok()?;
    header
        .starts_with(b"\x7fELF")
        .then_some((header.get(4).copied()?, header.get(18..20)?.to_vec()))
}
