//! The host under attack: su asks for the password and then for a second factor.
//!
//! mallory knows root's password, as after a leak, and has an account of their own with a second
//! factor. Victor is another user, whose logins the attacks are to leave alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pam_authy::pam_app::{Item, Style, Transaction, write_stack};
use serde_json::json;

use super::edition::Edition;
use super::su::Su;
use crate::common::host::Host;
use crate::common::pipe;

/// The user who attacks.
pub(super) const ATTACKER: &str = "mallory";
/// Another user.
pub(super) const OTHER: &str = "victor";
/// The password of root and of both users.
pub(super) const PASSWORD: &str = "right horse";
/// The Authy ids of root and of mallory.
pub(super) const ROOT_ID: u64 = 1635;
const ATTACKER_ID: u64 = 1636;
/// A code that is never right.
pub(super) const WRONG: &str = "1111111";

/// The host, and what is installed on it.
pub(super) struct Target {
    pub(super) edition: Edition,
    pub(super) host: Host,
    state: PathBuf,
    line: String,
}

impl Target {
    /// Sets the host up; `more` is for its config.toml, as the product wants it.
    pub(super) fn set_up(more: &str) -> Self {
        let edition = Edition::under_test();
        let host = Host::impatient(more);
        host.sim.post(
            "/phone/users",
            &json!({"authy_id": ATTACKER_ID, "email": "mallory@example.com"}),
        );
        let text = fs::read_to_string(&host.config).unwrap();
        fs::write(&host.config, edition.config(&text)).unwrap();
        host.append(
            &host.users,
            &format!("root = {ROOT_ID}\n{ATTACKER} = {ATTACKER_ID}\n"),
        );
        add_users();
        edition.install_engine();
        let line = format!(
            "auth required {} config={} users={}",
            edition.module().display(),
            host.config.display(),
            host.users.display()
        );
        let stack = format!(
            "auth requisite pam_unix.so nodelay\n{line}\nauth required pam_permit.so\n\
             account required pam_permit.so\nsession required pam_permit.so\n"
        );
        fs::write("/etc/pam.d/su", stack).unwrap();
        // Without this, su waits after each refusal.
        host.append(Path::new("/etc/login.defs"), "\nFAIL_DELAY 0\n");
        let state = host.sim.path("state");
        Self {
            edition,
            host,
            state,
            line,
        }
    }

    /// Keeps the state in `folder` instead.
    pub(super) fn with_state(mut self, folder: &Path) -> Self {
        self.host.replace(
            &self.state.display().to_string(),
            &folder.display().to_string(),
        );
        folder.clone_into(&mut self.state);
        self
    }

    /// Makes the host one without earlier logins.
    pub(super) fn forget_state(&self) {
        fs::remove_dir_all(&self.state).unwrap();
        fs::create_dir(&self.state).unwrap();
        self.host.chmod(&self.state, 0o700);
    }

    /// The port of the simulator, which every user sees in /proc/net/tcp.
    pub(super) fn port(&self) -> u16 {
        self.host
            .sim
            .url()
            .rsplit(':')
            .next()
            .unwrap()
            .trim_matches('/')
            .parse()
            .unwrap()
    }

    /// How many codes of all users have reached the service.
    pub(super) fn asked(&self) -> usize {
        self.host.sim.count("/verify/")
    }

    /// How many refused codes of root are counted.
    pub(super) fn counted(&self) -> u64 {
        self.edition.counted(&self.host.config, &self.state, "root")
    }

    /// A code that lets root in once.
    pub(super) fn right(&self) -> String {
        self.host.sim.token(ROOT_ID)
    }

    /// Victor becomes root by su with these replies: whether it worked, and how long it took.
    pub(super) fn su_of_other(&self, replies: &[&str]) -> (bool, Duration) {
        let start = Instant::now();
        let as_other = [
            "setpriv",
            "--reuid",
            OTHER,
            "--regid",
            OTHER,
            "--clear-groups",
        ];
        let mut su = Su::start(&as_other, "root");
        su.reply(PASSWORD);
        replies.iter().for_each(|reply| su.reply(reply));
        (su.became_root(), start.elapsed())
    }

    /// Root logs in by a program of root's, from another host, with a right code.
    pub(super) fn ssh_login_works(&self) -> bool {
        let folder = tempfile::tempdir().unwrap();
        write_stack(folder.path(), "sshd", std::slice::from_ref(&self.line)).unwrap();
        let code = self.right();
        let mut answer = |style: Style, _: &str| {
            matches!(style, Style::PromptEchoOn | Style::PromptEchoOff).then(|| code.clone())
        };
        let mut pam = Transaction::start("sshd", "root", folder.path(), &mut answer).unwrap();
        pam.set(Item::RHost, "192.0.2.7").unwrap();
        pam.authenticate().name() == "PAM_SUCCESS"
    }
}

/// Gives root and two users a password. Its hash is quick to compute.
fn add_users() {
    for user in [ATTACKER, OTHER] {
        let status = Command::new("useradd")
            .args(["--create-home", user])
            .status();
        assert!(status.unwrap().success());
    }
    let lines = ["root", ATTACKER, OTHER].map(|user| format!("{user}:{PASSWORD}\n"));
    let mut chpasswd = Command::new("chpasswd");
    pipe(
        chpasswd.args(["--crypt-method", "SHA512", "--sha-rounds", "1000"]),
        &lines.concat(),
    );
}
