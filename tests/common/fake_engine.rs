//! A stack whose engine is engine.c, a program that breaks as its script says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use pam_authy::pam_app::write_stack;
use tempfile::TempDir;

use super::application::command_in;
use super::compiled::compile;
use super::{install, product};

/// A folder with the module, the engine, its script and the stack of the service sshd.
pub(crate) struct FakeEngine(TempDir);

impl FakeEngine {
    /// An engine that follows `script`, whose commands are listed in engine.c.
    pub(crate) fn new(script: &str) -> Self {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let fake = Self(tempfile::tempdir().unwrap());
        install(&product(), &fake.path("pam_authy.so"), 0o644);
        let program = PROGRAM.get_or_init(|| compile("engine", &[]));
        install(program, &fake.path("pam_authyd"), 0o755);
        fs::write(fake.path("pam_authyd.script"), script).unwrap();
        // Without it libpam writes to the log, over a socket that it keeps open.
        write_stack(
            fake.0.path(),
            "other",
            &["auth required pam_deny.so".into()],
        )
        .unwrap();
        fake.name(&fake.path("pam_authyd"));
        fake
    }

    /// Makes the stack name another engine.
    pub(crate) fn name(&self, engine: &Path) {
        let (module, engine) = (self.path("pam_authy.so"), engine.display());
        let control = "[success=ok ignore=ignore default=die]";
        let line = format!("auth {control} {} engine={engine}", module.display());
        write_stack(self.0.path(), "sshd", &[line]).unwrap();
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command that logs `user` in with the application's `options`.
    pub(crate) fn command(&self, user: &str, options: &[&str]) -> Command {
        command_in(self.0.path(), user, &[], options)
    }
}
