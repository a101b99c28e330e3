//! The modules as files: size, libraries, and the time that libpam takes to load them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Fault;
use crate::login::run;
use crate::report::Report;
use crate::world::World;

/// Where distributions keep PAM modules.
const FOLDERS: [&str; 5] = [
    "/lib/x86_64-linux-gnu/security",
    "/lib/aarch64-linux-gnu/security",
    "/usr/lib64/security",
    "/usr/lib/security",
    "/lib/security",
];

/// The module of that name on this machine.
pub(crate) fn find_module(name: &str) -> Option<PathBuf> {
    FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

/// One row for each module that is there.
pub(crate) fn modules(world: &World, rounds: usize, report: &mut Report) -> Result<(), Fault> {
    report.section(
        "Modules as files",
        "load: libpam reads the stack and loads the module (dlopen, symbols, the libraries it brings) and \
         calls pam_sm_setcred, which does nothing in these; libraries: what ldd lists but the kernel's.",
    );
    for (service, name) in [
        ("permit", "pam_permit.so"),
        ("warm", ""),
        ("google", "pam_google_authenticator.so"),
        ("duo", "pam_duo.so"),
    ] {
        let path = if name.is_empty() {
            Some(world.module.clone())
        } else {
            find_module(name)
        };
        let Some(path) = path else { continue };
        let mut loads = Vec::new();
        for _ in 0..rounds {
            loads.push(load(world, service)?);
        }
        let libraries = libraries(&path)?;
        report.file(
            service,
            &path,
            fs::metadata(&path)?.len(),
            &libraries,
            loads,
        );
    }
    Ok(())
}

/// Milliseconds until a stack's modules are loaded, in a process of its own.
fn load(world: &World, service: &str) -> Result<f64, Fault> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--login", service])
        .arg(world.folder.path())
        .args(["alice", "", "0"]);
    run(&mut command)?.said["call_ms"]
        .as_f64()
        .ok_or_else(|| "no time".into())
}

/// The file names of the libraries that a module brings.
fn libraries(module: &Path) -> Result<Vec<String>, Fault> {
    let output = Command::new("ldd").arg(module).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = said.lines().filter_map(|line| {
        let name = line.split_whitespace().next()?.rsplit('/').next()?;
        (!name.starts_with("linux-vdso")).then(|| name.to_owned())
    });
    Ok(names.collect())
}
