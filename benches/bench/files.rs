//! The third section of the table: the modules as files, with their size, their libraries and the
//! time that libpam takes to load them.
//!
//! `main.rs` runs it last. Modules that are not installed are left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::login::run;
use crate::report::Report;
use crate::testbed::Testbed;

/// Folders in which distributions install PAM modules.
const FOLDERS: [&str; 5] = [
    "/lib/x86_64-linux-gnu/security",
    "/lib/aarch64-linux-gnu/security",
    "/usr/lib64/security",
    "/usr/lib/security",
    "/lib/security",
];

/// Returns the path of an installed PAM module.
pub(crate) fn find_module(name: &str) -> Option<PathBuf> {
    FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

/// Measures each installed module `rounds` times and adds one row for each.
pub(crate) fn modules(testbed: &Testbed, rounds: usize, report: &mut Report) -> Result<(), Error> {
    report.section(
        "Modules as files",
        "load: libpam reads the stack, loads the module (dlopen, symbols, its libraries) and calls \
         pam_sm_setcred, which does nothing in these modules; libraries: those that ldd lists, without \
         the kernel's.",
    );
    for (service, name) in [
        ("permit", "pam_permit.so"),
        ("warm", ""),
        ("google", "pam_google_authenticator.so"),
        ("duo", "pam_duo.so"),
    ] {
        let path = if name.is_empty() {
            Some(testbed.module.clone())
        } else {
            find_module(name)
        };
        let Some(path) = path else { continue };
        let mut loads = Vec::new();
        for _ in 0..rounds {
            loads.push(load(testbed, service)?);
        }
        let libraries = libraries(&path)?;
        report.add_file(
            service,
            &path,
            fs::metadata(&path)?.len(),
            &libraries,
            loads,
        );
    }
    Ok(())
}

/// Returns the milliseconds until the modules of a stack are loaded, in a separate process.
fn load(testbed: &Testbed, service: &str) -> Result<f64, Error> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--login", service])
        .arg(testbed.folder.path())
        .args(["alice", "", "0"]);
    run(&mut command)?.output["call_ms"]
        .as_f64()
        .ok_or_else(|| "the login printed no time".into())
}

/// Returns the file names of the libraries that a module loads.
fn libraries(module: &Path) -> Result<Vec<String>, Error> {
    let output = Command::new("ldd").arg(module).output()?;
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = listing.lines().filter_map(|line| {
        let name = line.split_whitespace().next()?.rsplit('/').next()?;
        (!name.starts_with("linux-vdso")).then(|| name.to_owned())
    });
    Ok(names.collect())
}
