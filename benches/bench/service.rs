//! The service in the bench: the product's engine, listening where the module of the product looks
//! for it, in a mount namespace of the bench with a /run of its own.
//!
//! Its processes are in a control group of their own, whose account has the processor time of the
//! listener and of all its children. Without root, or where no group can be made, the rows of the
//! service are left out.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pam_authy::pam_app::write_stack;

use crate::Error;
use crate::testbed::{MODULE, Testbed};

/// Where the module of the product looks for the service.
const FOLDER: &str = "/run/pam_authy";
/// Set where /run is the bench's own.
const MARK: &str = "PAM_AUTHY_BENCH_RUN";
/// What starts a program so.
const WRAPPER: [&str; 7] = [
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    "mount -t tmpfs -o mode=0755 tmpfs /run && exec \"$@\"",
    "sh",
];
/// The folders in which a group can be made, each with the file of its account, the name of the
/// figure there, and how many of its units are a millisecond.
const ACCOUNTS: [(&str, &str, &str, f64); 3] = [
    ("/sys/fs/cgroup", "cpu.stat", "usage_usec ", 1e3),
    ("/sys/fs/cgroup/cpuacct", "cpuacct.usage", "", 1e6),
    ("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage", "", 1e6),
];

/// Starts this program again with a /run of its own, where the system lets it. Returns otherwise, and
/// where it is so already.
pub(crate) fn enter_own_run() {
    let unshare = |arguments: &[std::ffi::OsString]| {
        let mut command = Command::new("unshare");
        command.args(WRAPPER).args(arguments);
        command
    };
    let may = unshare(&["true".into()])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if std::env::var_os(MARK).is_some() || !nix::unistd::Uid::effective().is_root() || !may {
        return;
    }
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if let Ok(program) = std::env::current_exe() {
        arguments[0] = program.into();
        let error = unshare(&arguments).env(MARK, "1").exec();
        eprintln!("unshare: {error}");
    }
}

/// The listener, which ends when this is dropped.
pub(crate) struct Service {
    listener: Child,
    group: Group,
}

impl Service {
    /// Starts the service with this program; `None` where it cannot be measured.
    ///
    /// # Errors
    /// If it does not listen within ten seconds.
    pub(crate) fn start(engine: &Path) -> Result<Option<Self>, Error> {
        let Some(group) = std::env::var_os(MARK).and_then(|_| Group::make()) else {
            return Ok(None);
        };
        // It ends with this process, however that ends.
        let listener = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(["sh", "-c", "echo 0 >\"$0/cgroup.procs\" && exec \"$@\""])
            .arg(&group.folder)
            .arg(engine)
            .args(["--listen", FOLDER])
            .stdin(Stdio::null())
            .spawn()?;
        let service = Self { listener, group };
        let begun = Instant::now();
        while UnixStream::connect(Path::new(FOLDER).join("socket")).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err("the service does not listen".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Some(service))
    }

    /// Returns the processor time of the listener and of all its children so far, in milliseconds.
    /// Waits until no login is left.
    ///
    /// # Errors
    /// If the listener has ended.
    pub(crate) fn processor_ms(&self) -> Result<f64, Error> {
        let children = format!("/proc/{0}/task/{0}/children", self.listener.id());
        while !fs::read_to_string(&children)?.trim().is_empty() {
            thread::sleep(Duration::from_micros(200));
        }
        self.group.processor_ms()
    }

    /// Returns the memory of the listener, in kilobytes.
    ///
    /// # Errors
    /// If the listener has ended.
    pub(crate) fn memory_kb(&self) -> Result<f64, Error> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.listener.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        kb.ok_or_else(|| "no VmRSS".into())
    }

    /// Returns how many descriptors the listener has open.
    ///
    /// # Errors
    /// If the listener has ended.
    pub(crate) fn descriptors(&self) -> Result<usize, Error> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.listener.id()))?.count())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.listener.kill();
        let _ = self.listener.wait();
    }
}

/// The module's line where the service decides the login.
pub(crate) fn served_line(testbed: &Testbed, config: &str, users: &str) -> String {
    format!(
        "{} config={} users={}",
        testbed.path(MODULE).display(),
        testbed.path(config).display(),
        testbed.path(users).display()
    )
}

/// Writes the stacks of the rows of the service.
///
/// # Errors
/// If one cannot be written.
pub(crate) fn write_served_stacks(testbed: &Testbed) -> Result<(), Error> {
    for (service, config, users) in [
        ("served", "warm.toml", "10.toml"),
        ("served-all", "all.toml", "10.toml"),
        ("served-totp", "totp.config", "app/users.toml"),
        ("far-served", "far-warm.toml", "10.toml"),
        ("once-authy", "warm.toml", "authy.users"),
        ("once-totp", "totp.config", "once/users.toml"),
    ] {
        let line = format!("auth required {}", served_line(testbed, config, users));
        write_stack(testbed.folder.path(), service, &[line])?;
    }
    Ok(())
}

/// A control group, which is removed when this is dropped.
struct Group {
    folder: PathBuf,
    account: PathBuf,
    figure: &'static str,
    /// How many units of the account are a millisecond.
    per_ms: f64,
}

impl Group {
    /// Makes a group; `None` where the system has no accounts, or allows no new one.
    fn make() -> Option<Self> {
        ACCOUNTS
            .into_iter()
            .find_map(|(root, file, figure, per_ms)| {
                let folder =
                    Path::new(root).join(format!("pam_authy-bench-{}", std::process::id()));
                // The module and the engine trust a group that root alone can write.
                fs::DirBuilder::new().mode(0o755).create(&folder).ok()?;
                let account = folder.join(file);
                let group = Self {
                    folder,
                    account,
                    figure,
                    per_ms,
                };
                group.processor_ms().ok().map(|_| group)
            })
    }

    fn processor_ms(&self) -> Result<f64, Error> {
        let text = fs::read_to_string(&self.account)?;
        let figure = text.lines().find_map(|line| line.strip_prefix(self.figure));
        let units: f64 = figure.ok_or("no such figure")?.trim().parse()?;
        Ok(units / self.per_ms)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}
