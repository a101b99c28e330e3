//! The directory: what `authyctl sync` costs for a hundred thousand people, whom a real slapd has:
//! the first pass, and one in which nothing has changed and nothing is written.
//!
//! Both run on the same processors as slapd. Without slapd (scripts/peers.sh slapd) this is left
//! out.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::json;

use crate::Error;
use crate::report::Report;
use crate::slapd::{BASE, PASSWORD, READER, Slapd, is_there, people};

/// How many people there are.
const PEOPLE: usize = 100_000;

/// Measures both passes.
///
/// # Errors
/// If a sync fails, or writes when nothing has changed.
pub(crate) fn passes(report: &mut Report) -> Result<(), Error> {
    if !is_there() {
        return Ok(());
    }
    report.section(
        "The directory",
        "authyctl sync of 100 000 people by ldaps from slapd on the same processors: the whole time, \
         and the processor time of authyctl alone.",
    );
    let slapd = Slapd::with(&people(PEOPLE));
    let folder = tempfile::tempdir()?;
    write_files(&slapd, folder.path())?;
    let file = folder.path().join("state/directory.toml");
    let mut written = Vec::new();
    for (id, label) in [
        ("sync-first", "the first pass"),
        ("sync-unchanged", "the next one, without a change"),
    ] {
        let before = processor_ms()?;
        let begun = Instant::now();
        let mut sync = Command::new(env!("CARGO_BIN_EXE_authyctl"));
        sync.arg("--config").arg(folder.path().join("config.toml"));
        sync.arg("--users").arg(folder.path().join("users.toml"));
        let status = sync
            .args(["--quiet", "sync"])
            .stdin(Stdio::null())
            .status()?;
        let wall = begun.elapsed().as_secs_f64();
        let processor = (processor_ms()? - before) / 1e3;
        if !status.success() {
            return Err(format!("{label}: authyctl sync ended with {status}").into());
        }
        println!("  {label:<44} {wall:5.2} s   of the processor {processor:5.2} s");
        report.record(id, json!({"wall_s": wall, "processor_s": processor}));
        let status = fs::metadata(&file)?;
        written.push((status.ino(), status.ctime(), status.ctime_nsec()));
    }
    if written[0] != written[1] {
        return Err("a pass without a change has written directory.toml".into());
    }
    println!(
        "  {:<44} {} bytes",
        "directory.toml",
        fs::metadata(&file)?.len()
    );
    Ok(())
}

/// The processor time of the children that have ended, in milliseconds.
fn processor_ms() -> Result<f64, Error> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let both = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(both as f64 / 1e3)
}

/// Writes the configuration of the host.
fn write_files(slapd: &Slapd, folder: &Path) -> Result<(), Error> {
    let path = |name: &str| folder.join(name).display().to_string();
    fs::DirBuilder::new().mode(0o700).create(path("state"))?;
    let config = format!(
        "[paths]\nstate = \"{}\"\n[directory]\nurl = \"{}\"\nca_file = \"{}\"\nbase = \"{BASE}\"\n\
         preset = \"inetorgperson\"\nbind_dn = \"{READER}\"\npassword_file = \"{}\"\n\
         [directory.attributes]\nauthy_id = \"pamAuthyId\"\n",
        path("state"),
        slapd.ldaps(),
        slapd.path("ca.pem").display(),
        path("password"),
    );
    for (name, text) in [("config.toml", config.as_str()), ("password", PASSWORD)] {
        fs::write(path(name), text)?;
        fs::set_permissions(path(name), fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
