//! The files of google-authenticator: one in the home of each user, with the secret, options and
//! emergency codes.
//!
//! A file belongs to its user, who may have put anything there. So it is opened with the rights of
//! that user alone, never through a link in its last part, and must be a small regular file of the
//! user. No error quotes it.
//!
//! Format: <https://github.com/google/google-authenticator-libpam/blob/master/FILEFORMAT>

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{Gid, Uid, User, setfsgid, setfsuid};
use pam_authy::base::reply::RecoveryCode;
use pam_authy::base::secret::Secret;
use pam_authy::store::totp::Authenticator;

use super::rows::{ImportRow, ImportedApp};
use crate::error::CommandError;

/// The largest file, in bytes.
const LIMIT: u64 = 4096;
/// The name of the file in a home.
const NAME: &str = ".google_authenticator";
/// The accounts of this host.
const PASSWD: &str = "/etc/passwd";

/// Reads the file at `path`, for the user who owns it.
///
/// # Errors
/// There is no such file, or no account owns it.
pub(super) fn one(path: &Path) -> Result<Vec<ImportRow>, CommandError> {
    let failed = |error: io::Error| CommandError::file(path, &error);
    let status = path.symlink_metadata().map_err(failed)?;
    let owner = User::from_uid(Uid::from_raw(status.uid()));
    let owner = owner.map_err(|errno| failed(errno.into()))?;
    let owner = owner.ok_or_else(|| {
        let uid = status.uid();
        CommandError::local(format!("{}: no account has its uid, {uid}", path.display()))
    })?;
    Ok(vec![row(&Account {
        name: owner.name,
        uid: owner.uid,
        gid: owner.gid,
        file: path.to_owned(),
    })])
}

/// Reads the files in the homes of all accounts of this host. Homes without one are left out.
///
/// # Errors
/// The accounts cannot be read.
pub(super) fn in_homes() -> Result<Vec<ImportRow>, CommandError> {
    let path = Path::new(PASSWD);
    let passwd = fs::read_to_string(path).map_err(|error| CommandError::file(path, &error))?;
    let accounts = passwd.lines().filter_map(Account::of_passwd);
    let present = accounts.filter(|account| {
        let status = account.file.symlink_metadata();
        // What cannot be looked at is reported, not left out.
        !status.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    });
    Ok(present.map(|account| row(&account)).collect())
}

/// An account, and its file.
struct Account {
    name: String,
    uid: Uid,
    gid: Gid,
    file: PathBuf,
}

impl Account {
    /// The account of a line of passwd(5).
    fn of_passwd(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let home = fields.nth(1).filter(|home| home.starts_with('/'))?;
        Some(Self {
            name: name.to_owned(),
            uid: Uid::from_raw(uid),
            gid: Gid::from_raw(gid),
            file: Path::new(home).join(NAME),
        })
    }
}

fn row(account: &Account) -> ImportRow {
    let text = read_as_owner(account);
    let app = text.and_then(|text| parse(text.expose()));
    let file = account.file.display();
    ImportRow {
        line: None,
        user: account.name.clone(),
        factors: app.map(Into::into).map_err(|why| format!("{file}: {why}")),
    }
}

/// Reads the file with the rights of its owner. A thread of its own does so, since these rights are
/// those of a thread.
fn read_as_owner(account: &Account) -> Result<Secret, String> {
    let read = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            take_rights(account.uid, account.gid)?;
            read(&account.file, account.uid)
        });
        reader.join()
    });
    read.unwrap_or_else(|_| Err("could not be read".to_owned()))
}

/// Gives this thread the rights of an account for files.
fn take_rights(uid: Uid, gid: Gid) -> Result<(), String> {
    let _ = (setfsgid(gid), setfsuid(uid));
    // Each call returns what was set before it, and changes nothing where it is not allowed.
    if setfsgid(gid) != gid || setfsuid(uid) != uid {
        return Err("only root can read the files of others".to_owned());
    }
    Ok(())
}

fn read(path: &Path, uid: Uid) -> Result<Secret, String> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let opened = File::options()
        .read(true)
        .custom_flags(flags.bits())
        .open(path);
    let file = opened.map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ELOOP) => "is a link".to_owned(),
        Some(Errno::ENXIO) => "is not a regular file".to_owned(),
        _ => error.to_string(),
    })?;
    let status = file.metadata().map_err(|error| error.to_string())?;
    if !status.is_file() {
        return Err("is not a regular file".to_owned());
    }
    if status.uid() != uid.as_raw() {
        return Err(format!("belongs to uid {}, not to the user", status.uid()));
    }
    if status.mode() & 0o077 != 0 {
        let mode = status.mode() & 0o7777;
        return Err(format!("group or others have access (mode {mode:04o})"));
    }
    let mut text = String::with_capacity(LIMIT as usize + 1);
    let read = file.take(LIMIT + 1).read_to_string(&mut text);
    let text = Secret::new(text);
    read.map_err(|_| "is not text".to_owned())?;
    if text.expose().len() as u64 > LIMIT {
        return Err("is larger than 4 KiB".to_owned());
    }
    Ok(text)
}

/// Reads the secret, how long a code is shown, and the emergency codes. The other options are the
/// rules of that module and not those of this one.
fn parse(text: &str) -> Result<ImportedApp, String> {
    // The last byte that is written.
    if !text.ends_with('\n') {
        return Err("is incomplete: its last line has no end".to_owned());
    }
    let mut lines = text.lines();
    let secret = lines.next().unwrap_or_default();
    let mut app = Authenticator::from_base32(secret).map_err(|error| format!("line 1: {error}"))?;
    let (mut is_timed, mut emergency) = (false, Vec::new());
    for (number, line) in (2..).zip(lines) {
        let Some(option) = line.strip_prefix("\" ") else {
            let code = RecoveryCode::from_digits(line);
            emergency.push(code.ok_or(format!("line {number}: is no emergency code"))?);
            continue;
        };
        let (name, value) = option.split_once(' ').unwrap_or((option, ""));
        match name {
            "HOTP_COUNTER" => {
                return Err("is counter-based (HOTP), which is not supported".to_owned());
            }
            "TOTP_AUTH" => is_timed = true,
            "STEP_SIZE" => {
                let period = value.parse().unwrap_or(-1);
                let timed = app.with_period(period);
                app = timed.map_err(|error| format!("line {number}: {error}"))?;
            }
            _ => {}
        }
    }
    if !is_timed {
        return Err("is incomplete: it has no line TOTP_AUTH".to_owned());
    }
    Ok(ImportedApp { app, emergency })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "6SXHNV5DPZLIDFQBVW2IJPEONM\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n\
        \" STEP_SIZE 60\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n27719617\n72808193\n";

    #[test]
    fn secret_period_and_emergency_codes_are_read_and_no_rule() {
        let read = parse(FILE).unwrap();
        let secret = "6SXHNV5DPZLIDFQBVW2IJPEONM";
        assert_eq!(read.app.to_base32().as_str(), secret);
        assert_eq!((read.app.digits(), read.app.period()), (6, 60));
        let codes: Vec<_> = read.emergency.iter().map(RecoveryCode::bytes).collect();
        assert_eq!(codes, [b"27719617\0\0", b"72808193\0\0"]);
    }

    #[test]
    fn a_file_that_is_counter_based_or_cut_at_any_place_is_refused_and_not_quoted() {
        let hotp = FILE.replace("TOTP_AUTH", "HOTP_COUNTER 1");
        let error = parse(&hotp).map(drop).unwrap_err();
        assert!(error.contains("(HOTP)"), "{error}");
        let mut wrong = Vec::new();
        for end in 0..FILE.len() {
            match parse(&FILE[..end]).map(drop) {
                // Whole lines were lost, which does not show.
                Ok(()) if FILE[..end].ends_with('\n') && FILE[..end].contains("TOTP_AUTH") => {}
                Ok(()) => wrong.push(format!("{end}: read")),
                Err(why) if why.contains("6SXHNV") => wrong.push(format!("{end}: {why}")),
                Err(_) => {}
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        for (old, new) in [
            ("6SXH", "6SX1"),
            ("SIZE 60", "SIZE 7"),
            ("27719617", "2771961"),
        ] {
            assert!(parse(&FILE.replace(old, new)).is_err(), "{new}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text: String) {
            let _ = parse(&text);
            let _ = parse(&format!("6SXHNV5DPZLIDFQBVW2IJPEONM\n{text}\n"));
            let _ = Account::of_passwd(&text);
        }
    }
}
