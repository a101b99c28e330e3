//! Our own files: config.toml, users.toml, the module.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use pam_authy::store::config::Config;
use pam_authy::store::users::{self, Entry, Mapping};

use super::Check;
use super::stack::Module;
use crate::cli::Global;
use crate::commands::test::module_folders;

/// From so many users on a login without the index takes noticeably longer.
const WORTH_AN_INDEX: usize = 1000;

/// The configuration and the mapping as far as they can be used, and what is said of both.
pub(super) fn files(global: &Global) -> (Vec<Check>, Option<Config>, Option<Mapping>) {
    let mut checks = Vec::new();
    let config = match Config::load(&global.config) {
        Ok(config) => {
            let message = format!(
                "{} is valid, and only root can read it",
                global.config.display()
            );
            checks.push(Check::ok("config", message));
            Some(config)
        }
        Err(error) => {
            checks
                .push(Check::problem("config", error.to_string()).hint(
                    "every login of every protected service is refused until this is mended",
                ));
            None
        }
    };
    let mapping = match Mapping::load(&global.users) {
        Ok(mapping) => {
            checks.push(mapping_check(global, &mapping));
            Some(mapping)
        }
        Err(error) => {
            checks
                .push(Check::problem("users", error.to_string()).hint(
                    "every login of every protected service is refused until this is mended",
                ));
            None
        }
    };
    (checks, config, mapping)
}

fn mapping_check(global: &Global, mapping: &Mapping) -> Check {
    let file = global.users.display();
    let unusable = mapping.iter().find_map(|(_, entry)| match entry {
        Entry::Invalid { line, message } => Some(format!("{file}:{line}: {message}")),
        Entry::Enrolled(_) | Entry::Shared(_) | Entry::Absent => None,
    });
    match (unusable, mapping.iter().count()) {
        (Some(message), _) => {
            Check::problem("users", message).hint("that person is refused until this is mended")
        }
        (None, 0) => Check::warning("users", format!("{file} names nobody"))
            .hint("authyctl enroll USER --authy-id N"),
        (None, 1) => Check::ok("users", format!("{file} is valid and names one user")),
        (None, count) if count >= WORTH_AN_INDEX && !users::is_indexed(&global.users) => {
            let message = format!(
                "{file} is valid and names {count} users, and its index does not hold: each login reads it all"
            );
            Check::warning("users", message).hint("authyctl index")
        }
        (None, count) => Check::ok("users", format!("{file} is valid and names {count} users")),
    }
}

/// The file of every module line: there, owned by root, and of this machine's kind.
pub(super) fn modules(seen: &[Module]) -> Vec<Check> {
    let mut paths: Vec<(PathBuf, &str)> = Vec::new();
    for module in seen {
        let path = if module.path.starts_with('/') {
            Some(PathBuf::from(&module.path))
        } else {
            let folders = module_folders().iter().map(Path::new);
            folders
                .map(|folder| folder.join(&module.path))
                .find(|path| path.exists())
        };
        let path = path.unwrap_or_else(|| PathBuf::from(&module.path));
        if !paths.iter().any(|(known, _)| *known == path) {
            paths.push((path, &module.place));
        }
    }
    paths
        .iter()
        .map(|(path, place)| module(path, place))
        .collect()
}

fn module(path: &Path, place: &str) -> Check {
    use std::os::unix::fs::MetadataExt;
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return Check::problem("module", format!("{place}: {shown}: {error}"))
                .hint("libpam refuses every login of this service until the module is there");
        }
    };
    if metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
        return Check::problem("module", format!("{shown}: others than root can change it"))
            .hint("chown root and chmod 0644: it runs as root inside sshd and sudo");
    }
    let machine = |path: &Path| {
        let mut head = [0_u8; 20];
        fs::File::open(path).ok()?.read_exact(&mut head).ok()?;
        head.starts_with(b"\x7fELF")
            .then_some((head.get(4).copied()?, head.get(18..20)?.to_vec()))
    };
    let own = std::env::current_exe().ok().and_then(|path| machine(&path));
    match machine(path) {
        None => Check::problem("module", format!("{shown}: is no shared object"))
            .hint("libpam refuses every login of this service until it is"),
        Some(kind) if own.is_some_and(|own| own != kind) => {
            Check::problem("module", format!("{shown}: is built for another machine"))
                .hint("install the package of this architecture")
        }
        Some(_) => Check::ok("module", format!("{shown} is there, for this machine")),
    }
}
