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
use crate::testbed::{ENGINE, FIRST_EDITION, MODULE, Testbed};

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
         pam_sm_setcred, which does nothing in these modules; dlopen: this call alone, in a program that \
         has libpam and, as sshd and su, no libgcc_s; libraries: those that ldd lists, without the kernel's.",
    );
    let loader = build_loader(testbed)?;
    let mut rows = Vec::new();
    for (service, name) in [
        ("permit", "pam_permit.so"),
        ("warm", MODULE),
        ("first", FIRST_EDITION),
        ("google", "pam_google_authenticator.so"),
        ("duo", "pam_duo.so"),
    ] {
        let own = Some(testbed.path(name)).filter(|path| path.exists());
        if let Some(path) = own.or_else(|| find_module(name)) {
            rows.push((service, path, Vec::new(), Vec::new()));
        }
    }
    for _ in 0..rounds {
        for (service, path, loads, dlopens) in &mut rows {
            loads.push(load(testbed, service)?);
            dlopens.push(dlopen(&loader, path)?);
        }
    }
    for (service, path, loads, dlopens) in rows {
        let (bytes, libraries) = (fs::metadata(&path)?.len(), libraries(&path)?);
        report.add_file(service, &path, bytes, &libraries, loads, dlopens);
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

/// Builds the program that loads a module and prints the time.
fn build_loader(testbed: &Testbed) -> Result<PathBuf, Error> {
    let (source, program) = (testbed.path("dlopen.c"), testbed.path("dlopen"));
    fs::write(&source, include_str!("dlopen.c"))?;
    let mut cc = Command::new("cc");
    cc.arg("-O1").arg("-o").arg(&program).arg(&source);
    // It uses nothing of libpam, which is loaded all the same.
    run(cc.args(["-Wl,--no-as-needed", "-lpam"]))?;
    Ok(program)
}

/// Returns the milliseconds that dlopen takes for a module, in a separate process.
fn dlopen(loader: &Path, module: &Path) -> Result<f64, Error> {
    run(Command::new(loader).arg(module))?.output["dlopen_ms"]
        .as_f64()
        .ok_or_else(|| "the process printed no time".into())
}

/// Adds the row of the engine.
pub(crate) fn engine(testbed: &Testbed, report: &mut Report) -> Result<(), Error> {
    let path = testbed.path(ENGINE);
    report.add_engine(fs::metadata(&path)?.len(), &libraries(&path)?);
    Ok(())
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
