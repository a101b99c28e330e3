//! A stack whose engine is engine.c, a program that breaks as its script says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use pam_authy::pam_app::write_stack;
use tempfile::TempDir;

use super::application::{command_in, program};
use super::compiled::compile;
use super::{install, product};

/// A script that accepts `USER` at once.
pub(crate) const ACCEPTS: &str = r"frame ready\0v=1\0
read
frame deadline\0ms=60000\0
frame verdict\0verdict=accepted\0user=USER\0
read
";

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

    /// Adds the stack of another `service` with an engine of its own that follows `script`.
    pub(crate) fn copy_stack(&self, service: &str, script: &str) {
        let engine = self.path(&format!("{service}.engine"));
        install(&self.path("pam_authyd"), &engine, 0o755);
        fs::write(engine.with_extension("engine.script"), script).unwrap();
        let module = self.path("pam_authy.so");
        let line = format!(
            "auth required {} engine={}",
            module.display(),
            engine.display()
        );
        write_stack(self.0.path(), service, &[line]).unwrap();
    }

    /// Writes a stack whose line has these `arguments` instead of `engine=`.
    pub(crate) fn arguments(&self, arguments: &str) {
        let line = format!(
            "auth required {} {arguments}",
            self.path("pam_authy.so").display()
        );
        write_stack(self.0.path(), "sshd", &[line]).unwrap();
    }

    /// Lets every user use the folder and the application in it ([`FakeEngine::wrapped`]).
    pub(crate) fn open_to_all(&self) {
        fs::set_permissions(self.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        install(program(), &self.path("application"), 0o755);
    }

    /// The command that logs `user` in through `wrapper`, after [`FakeEngine::open_to_all`].
    pub(crate) fn wrapped(&self, wrapper: &[&str], user: &str, options: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after", "5", "300"]).args(wrapper);
        command.arg(self.path("application")).args(options);
        command.arg(self.0.path()).args(["sshd", user]);
        command
    }

    /// The command that logs `user` in with the application's `options`.
    pub(crate) fn command(&self, user: &str, options: &[&str]) -> Command {
        command_in(self.0.path(), user, &[], options)
    }
}
