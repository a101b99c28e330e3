//! The service that decides logins: that it listens, answers and is the installed version.
//!
//! Asks it for its status over root's socket, and begins no login. Blocks for 5 s where it is silent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use nix::unistd::Uid;
use pam_authy::base::service::{FOLDER, ROOT_SOCKET, USER_SOCKET};
use pam_authy::host::socket::Channel;
use pam_authy::host::trusted_file;
use pam_authy::protocol::{self, FromEngine, FromModule};
use pam_authy::store::config::Config;

use super::Finding;

const CHECK: &str = "engine";
/// How long the service may take for each of its two messages, as for a login.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where systemd runs, this exists (sd_booted(3)).
const SYSTEMD: &str = "/run/systemd/system";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the service says of itself.
struct Status {
    program: String,
    started: SystemTime,
}

/// Checks the service, and its socket for screen lockers.
pub(super) fn check(config: Option<&Config>) -> Vec<Finding> {
    if !Path::new(FOLDER).exists() {
        return vec![absent()];
    }
    let mut findings = vec![listener()];
    let allow = config.is_some_and(|config| config.lockers.allow);
    let has_user_socket = Path::new(USER_SOCKET).exists();
    if allow && !has_user_socket {
        let message = format!("lockers.allow is true, and {USER_SOCKET} does not exist");
        // systemd starts no socket whose service runs.
        let hint = "screen lockers are refused: systemctl enable pam_authy-user.socket, \
                    then systemctl restart pam_authy.socket pam_authy-user.socket";
        findings.push(Finding::warning(CHECK, message).hint(hint));
    } else if has_user_socket && config.is_some() && !allow {
        let message = format!("{USER_SOCKET} exists, and lockers.allow is not true");
        let hint = "screen lockers are refused: set it, or systemctl disable --now pam_authy-user.socket and remove it";
        findings.push(Finding::warning(CHECK, message).hint(hint));
    }
    findings
}

/// No service on this host.
fn absent() -> Finding {
    if Path::new(SYSTEMD).exists() {
        let message = format!("{FOLDER} does not exist: each login starts an engine of its own");
        let hint = "screen lockers and polkit have none: systemctl enable --now pam_authy.socket";
        return Finding::warning(CHECK, message).hint(hint);
    }
    Finding::ok(
        CHECK,
        "pam_authyd does not listen: each login starts an engine of its own",
    )
}

/// The service behind root's socket.
fn listener() -> Finding {
    if !Uid::effective().is_root() {
        return Finding::unknown(CHECK, format!("not root: cannot look at {ROOT_SOCKET}"));
    }
    let status = match trusted_file::socket(Path::new(ROOT_SOCKET)) {
        Ok(()) => ask(),
        Err(error) => Err(error.to_string()),
    };
    let status = match status {
        Ok(status) => status,
        Err(why) => {
            let message = format!("{why}: su and sudo are refused, and sshd may be");
            let hint =
                format!("systemctl restart pam_authy.socket, or remove {FOLDER} to do without it");
            return Finding::problem(CHECK, message).hint(hint);
        }
    };
    let mode = fs::metadata(ROOT_SOCKET).map_or(0, |status| status.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let message = format!("{ROOT_SOCKET} has the mode {mode:04o}: only root is to connect");
        return Finding::warning(CHECK, message).hint(format!("chmod 0600 {ROOT_SOCKET}"));
    }
    let Status { program, started } = status;
    if program != VERSION {
        let message = format!("version {program} runs, and {VERSION} is installed");
        return Finding::warning(CHECK, message).hint("systemctl restart pam_authy.service");
    }
    let since = httpdate::fmt_http_date(started);
    Finding::ok(
        CHECK,
        format!("pam_authyd listens: version {program}, since {since}"),
    )
}

/// Asks for the status. The error says what is wrong.
fn ask() -> Result<Status, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{ROOT_SOCKET}: {why}");
    let socket = UnixStream::connect(ROOT_SOCKET).map_err(|error| failed(&error))?;
    let mut channel = Channel::new(socket.into());
    let receive = |channel: &mut Channel| {
        let bytes = channel
            .receive(Instant::now() + PATIENCE)
            .map_err(|error| failed(&error))?;
        FromEngine::decode(&bytes).map_err(|error| failed(&error))
    };
    match receive(&mut channel)? {
        FromEngine::Ready { version } if protocol::common_version(version).is_some() => {}
        _ => {
            return Err(failed(
                &"it speaks another version of the protocol than the module",
            ));
        }
    }
    let sent = channel.send(&FromModule::AskStatus.encode(), Instant::now() + PATIENCE);
    sent.map_err(|error| failed(&error))?;
    match receive(&mut channel)? {
        FromEngine::Status { program, started } => Ok(Status {
            program,
            started: SystemTime::UNIX_EPOCH + Duration::from_secs(started),
        }),
        _ => Err(failed(&"it sent something else than its status")),
    }
}
