//! A host in a temporary folder: configuration, mapping, and a private PAM stack with the product.
//!
//! The module's tests log in through libpam with [`Host::login`] and read the audit lines from the
//! simulator's log. Nothing outside the folder is read or written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pam_authy::pam_app::{Item, Style, Transaction, write_stack};
use tempfile::TempDir;

use super::service;
use super::sim::Sim;
use super::{install_engine, install_product};

/// A host whose module uses the simulator `sim`; alice is enrolled as 1635.
pub(crate) struct Host {
    pub(crate) sim: Sim,
    stack: TempDir,
    pub(crate) config: PathBuf,
    pub(crate) users: PathBuf,
    arguments: String,
    service: String,
    /// Whether the line names the engine in this folder, instead of leaving it to the module.
    names_engine: bool,
}

/// One login: PAM's code, and what the person saw.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) code: &'static str,
    /// Prompts and messages in order.
    pub(crate) seen: Vec<(Style, String)>,
    pub(crate) took: Duration,
}

impl Login {
    /// Returns the number of prompts.
    pub(crate) fn prompts(&self) -> usize {
        let is_prompt = |style: &Style| matches!(style, Style::PromptEchoOn | Style::PromptEchoOff);
        self.seen
            .iter()
            .filter(|(style, _)| is_prompt(style))
            .count()
    }
}

impl Host {
    /// Returns a host without a delay after a refusal, so that tests do not wait for it.
    pub(crate) fn new() -> Self {
        Self::with("[login]\nrefusal_seconds = 0\n")
    }

    /// Returns a host with `more` text in its config.toml.
    pub(crate) fn with(more: &str) -> Self {
        let sim = Sim::start();
        let (config, users) = (sim.path("config.toml"), sim.path("users.toml"));
        let stack = tempfile::tempdir().unwrap();
        install_product(stack.path());
        let host = Self {
            sim,
            stack,
            config,
            users,
            arguments: String::new(),
            service: "sshd".into(),
            names_engine: !service::is_the_way(),
        };
        host.append(&host.config, &format!("\n{more}"));
        host.append(&host.users, "alice = 1635\n");
        host
    }

    /// Returns a host whose config.toml has `[paths]` and `more`, and no table of a provider.
    pub(crate) fn without_authy(more: &str) -> Self {
        let host = Self::new();
        let config = fs::read_to_string(&host.config).unwrap();
        let (_, rest) = config.split_once("[paths]").unwrap();
        let paths = rest.split("\n[").next().unwrap();
        fs::write(&host.config, format!("[paths]{paths}\n{more}")).unwrap();
        host
    }

    /// Returns a host that uses Twilio alone, with a restricted key, and `more` text in its
    /// config.toml. alice's entry is skipped.
    pub(crate) fn with_twilio(more: &str) -> Self {
        let host = Self::new();
        let config = fs::read_to_string(host.sim.path("twilio.toml")).unwrap();
        fs::write(&host.config, format!("{config}\n{more}")).unwrap();
        host
    }

    /// Returns a host with a timeout of 1 s for each request.
    pub(crate) fn impatient(more: &str) -> Self {
        let host = Self::with(more);
        host.replace("[authy]\n", "[authy]\ntimeout_seconds = 1\n");
        host
    }

    /// Makes the host use the service at `url`; its simulator still receives the log.
    pub(crate) fn elsewhere(self, url: &str) -> Self {
        self.replace(&self.sim.url(), url);
        self
    }

    /// Replaces `old` with `new` in config.toml. The test fails if `old` is not there.
    pub(crate) fn replace(&self, old: &str, new: &str) {
        let config = fs::read_to_string(&self.config).unwrap();
        assert!(config.contains(old), "{old} is not in {config}");
        fs::write(&self.config, config.replace(old, new)).unwrap();
    }

    /// Adds arguments of the module to the stack.
    pub(crate) fn arguments(mut self, arguments: &str) -> Self {
        self.arguments = format!(" {arguments}");
        self
    }

    /// Uses the engine at its usual path, which is installed for that. In a sandbox only.
    pub(crate) fn installed(mut self) -> Self {
        install_engine();
        self.names_engine = false;
        self
    }

    /// Uses the service (`common::service`), or an engine that a test has installed.
    pub(crate) fn by_service(mut self) -> Self {
        self.names_engine = false;
        self
    }

    /// Uses another PAM service than sshd.
    pub(crate) fn service(mut self, service: &str) -> Self {
        self.service = service.to_owned();
        self
    }

    /// Appends text to a file.
    pub(crate) fn append(&self, file: &Path, text: &str) {
        let old = fs::read_to_string(file).unwrap();
        fs::write(file, old + text).unwrap();
    }

    /// Sets a key of a TOML file, in place of its line in the last table.
    pub(crate) fn set_line(&self, file: &Path, key: &str, value: &str) {
        let text = fs::read_to_string(file).unwrap();
        let start = format!("\"{key}\" = ");
        let is_other =
            |line: &&str| !line.starts_with(&start) && !line.starts_with(&start.replace('"', ""));
        let kept: String = text
            .lines()
            .filter(is_other)
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(file, format!("{kept}{start}{value}\n")).unwrap();
    }

    /// Changes the mode of a file.
    pub(crate) fn chmod(&self, file: &Path, mode: u32) {
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Returns the path of the module of this host.
    pub(crate) fn module(&self) -> PathBuf {
        self.stack.path().join("pam_authy.so")
    }

    /// Returns the path of the engine of this host.
    pub(crate) fn engine(&self) -> PathBuf {
        self.stack.path().join("pam_authyd")
    }

    /// Returns the module's line of the stack, which names the engine of this host.
    pub(crate) fn line(&self) -> String {
        let control = "[success=ok ignore=ignore default=die]";
        let line = self.installed_line(control);
        if self.names_engine {
            format!("{line} engine={}", self.engine().display())
        } else {
            line
        }
    }

    /// Returns the module's line with this control, for a program such as su that starts only an
    /// installed engine (`install_engine`).
    pub(crate) fn installed_line(&self, control: &str) -> String {
        let (config, users) = (self.config.display(), self.users.display());
        let (module, arguments) = (self.module(), &self.arguments);
        let module = module.display();
        format!("auth {control} {module} config={config} users={users}{arguments}")
    }

    /// Writes the stack if it differs, because another login may be reading it.
    fn write_stack(&self, service: &str, lines: &[String]) {
        let existing = fs::read_to_string(self.stack.path().join(service)).unwrap_or_default();
        if existing != lines.join("\n") + "\n" {
            write_stack(self.stack.path(), service, lines).unwrap();
        }
    }

    /// Returns the folder with the stack of the service sshd, for an application in another
    /// process.
    pub(crate) fn stack_folder(&self) -> &Path {
        self.write_stack("sshd", &[self.line()]);
        self.stack.path()
    }

    /// Logs `user` in and answers the prompts with `replies` in order. The conversation fails at a
    /// prompt without a reply.
    pub(crate) fn login(&self, user: &str, replies: &[&str]) -> Login {
        self.login_with(user, replies, &[])
    }

    /// Logs `user` in with PAM items that the application or an earlier module has set.
    pub(crate) fn login_with(&self, user: &str, replies: &[&str], items: &[(Item, &str)]) -> Login {
        let mut lines = vec![self.line()];
        for (item, text) in items {
            // Only a module can set PAM_AUTHTOK, so pam_unix runs before our module and prompts for
            // it.
            if matches!(item, Item::AuthTok) {
                lines.insert(0, "auth optional pam_unix.so".into());
                let replies = [&[*text], replies].concat();
                return self.run(&self.service, user, &replies, &[], &lines);
            }
        }
        self.run(&self.service, user, replies, items, &lines)
    }

    /// As [`Host::login_with`], with another service than the host's own.
    pub(crate) fn login_as(
        &self,
        service: &str,
        user: &str,
        replies: &[&str],
        items: &[(Item, &str)],
    ) -> Login {
        self.run(service, user, replies, items, &[self.line()])
    }

    fn run(
        &self,
        service: &str,
        user: &str,
        replies: &[&str],
        items: &[(Item, &str)],
        lines: &[String],
    ) -> Login {
        self.write_stack(service, lines);
        let mut replies = replies.iter();
        let mut seen = Vec::new();
        let mut answer = |style: Style, text: &str| {
            seen.push((style, text.to_owned()));
            let is_prompt = matches!(style, Style::PromptEchoOn | Style::PromptEchoOff);
            is_prompt
                .then(|| replies.next().map(|reply| (*reply).to_owned()))
                .flatten()
        };
        let start = Instant::now();
        let code = {
            let mut pam =
                Transaction::start(service, user, self.stack.path(), &mut answer).unwrap();
            for (item, text) in items {
                pam.set(*item, text).unwrap();
            }
            pam.authenticate().name()
        };
        Login {
            code,
            seen,
            took: start.elapsed(),
        }
    }

    /// Runs `act` on a transaction whose stack also has our module under `account`, without
    /// replies.
    pub(crate) fn transaction(&self, act: impl FnOnce(&mut Transaction<'_>)) {
        let mut lines = vec![self.line()];
        lines.push(format!("account required {}", self.module().display()));
        self.write_stack(&self.service, &lines);
        let mut no_reply = |_: Style, _: &str| None;
        act(
            &mut Transaction::start(&self.service, "alice", self.stack.path(), &mut no_reply)
                .unwrap(),
        );
    }
}
