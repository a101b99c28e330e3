//! `test`: rehearses a login through libpam and the real module.
//!
//! The stack is a single line in a temporary folder, so nothing in /etc is involved.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use pam_authy::base::arguments::{CONFIG, ENGINE, USERS};
use pam_authy::base::text;
use pam_authy::pam_app::{PamCode, Style, Transaction, write_stack};
use serde_json::json;

use crate::cli::{Global, TestArgs};
use crate::error::{CommandError, ErrorKind};
use crate::output::Output;

/// Where distributions keep PAM modules.
pub(super) const MODULE_FOLDERS: [&str; 7] = [
    "/lib/x86_64-linux-gnu/security",
    "/lib/aarch64-linux-gnu/security",
    "/usr/lib/x86_64-linux-gnu/security",
    "/usr/lib/aarch64-linux-gnu/security",
    "/usr/lib64/security",
    "/usr/lib/security",
    "/lib/security",
];

pub(crate) fn test(global: &Global, args: &TestArgs) -> Result<Output, CommandError> {
    let service = args.service.as_str();
    let module = find_module(args.module.as_deref())?;
    let line = stack_line(global, args, &module)?;
    let folder =
        tempfile::tempdir().map_err(|error| CommandError::file(&std::env::temp_dir(), &error))?;
    write_stack(folder.path(), service, std::slice::from_ref(&line))
        .map_err(|error| CommandError::file(folder.path(), &error))?;
    print(
        global,
        &format!("stack {}:", folder.path().join(service).display()),
    );
    print(global, &format!("  {line}"));
    let code = rehearse(global, args, folder.path())?;
    conclude(args, &module, code)
}

/// Returns the line of the stack. It names the files that are not the defaults.
fn stack_line(global: &Global, args: &TestArgs, module: &Path) -> Result<String, CommandError> {
    let mut line = format!("auth required {}", module.display());
    let engine = find_engine(args.engine.as_deref())?;
    let arguments = [
        ("config", Some(&global.config), CONFIG),
        ("users", Some(&global.users), USERS),
        // Root's processes start the installed engine by themselves.
        (
            "engine",
            Some(&engine),
            if geteuid().is_root() { ENGINE } else { "" },
        ),
    ];
    for (name, path, default) in arguments {
        let Some(path) = path.filter(|path| *path != Path::new(default)) else {
            continue;
        };
        let path = std::path::absolute(path).map_err(|error| CommandError::file(path, &error))?;
        line.push_str(&format!(" {name}={}", path.display()));
    }
    let words = line.split(' ').count();
    if words != 3 + line.matches('=').count() {
        return Err(CommandError::new(
            ErrorKind::Usage,
            "a path in a PAM stack cannot contain a space or an equals sign",
        ));
    }
    Ok(line)
}

/// Returns the engine that is named, or the installed one.
fn find_engine(given: Option<&Path>) -> Result<PathBuf, CommandError> {
    let engine = given.unwrap_or(Path::new(ENGINE));
    if engine.is_file() {
        return Ok(engine.to_owned());
    }
    let error = CommandError::local(format!("{}: no such file", engine.display()));
    Err(error.hint("the engine pam_authyd belongs to the module; name it with --engine PATH"))
}

/// Runs the stack once, and reads the replies from the terminal or standard input.
fn rehearse(global: &Global, args: &TestArgs, folder: &Path) -> Result<PamCode, CommandError> {
    let mut answer = |style: Style, message: &str| -> Option<String> {
        let shown = text::sanitize_to(message, 500);
        match style {
            Style::Info | Style::Error => print(global, &format!("message: {shown}")),
            Style::PromptEchoOn | Style::PromptEchoOff => return ask(global, style, &shown),
        }
        None
    };
    let failed = |code: PamCode| CommandError::local(format!("libpam: {}", code.name()));
    let mut pam =
        Transaction::start(&args.service, &args.user, folder, &mut answer).map_err(failed)?;
    Ok(pam.authenticate())
}

fn ask(global: &Global, style: Style, prompt: &str) -> Option<String> {
    let on_terminal = io::stdin().is_terminal();
    if !on_terminal {
        print(global, &format!("prompt: {prompt}"));
    } else if style == Style::PromptEchoOff {
        return rpassword::prompt_password(prompt).ok();
    } else {
        eprint!("{prompt}");
        let _ = io::stderr().flush();
    }
    let mut line = String::new();
    let length = io::stdin().lock().read_line(&mut line).ok()?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    (length > 0).then(|| line.to_owned())
}

/// Turns libpam's code into the output of the command. A stack of one `required` line returns the
/// module's own code, except IGNORE, which libpam turns into PAM_PERM_DENIED: the module itself
/// never returns that one.
fn conclude(args: &TestArgs, module: &Path, code: PamCode) -> Result<Output, CommandError> {
    let (verdict, kind, hint) = match code.name() {
        "PAM_SUCCESS" => ("accepted", None, None),
        "PAM_MAXTRIES" | "PAM_AUTH_ERR" => ("refused", Some(ErrorKind::Refused), None),
        "PAM_PERM_DENIED" => (
            "ignored",
            Some(ErrorKind::Refused),
            Some(
                "the module answered PAM_IGNORE: this login requires no second factor, and a stack without another line denies it",
            ),
        ),
        "PAM_AUTHINFO_UNAVAIL" => ("unavailable", Some(ErrorKind::Unavailable), None),
        _ => (
            "error",
            Some(ErrorKind::Local),
            Some("the reason is in the log: journalctl, or where paths.log leads"),
        ),
    };
    let members = json!({
        "user": args.user,
        "service": args.service,
        "module": module.display().to_string(),
        "pam_code": code.name(),
        "verdict": verdict,
    });
    let line = format!("{} ({verdict})", code.name());
    match kind {
        None => Ok(Output::new(vec![line], members)),
        Some(kind) => {
            let mut error = CommandError::new(kind, line);
            error.hint = hint.map(str::to_owned);
            error.members = members.as_object().cloned().unwrap_or_default();
            Err(error)
        }
    }
}

fn find_module(given: Option<&Path>) -> Result<PathBuf, CommandError> {
    let found = match given {
        Some(path) => {
            std::path::absolute(path).map_err(|error| CommandError::file(path, &error))?
        }
        None => MODULE_FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join("pam_authy.so"))
            .find(|path| path.exists())
            .ok_or_else(|| {
                CommandError::local("pam_authy.so is not installed")
                    .hint("name it with --module PATH")
            })?,
    };
    if found.is_file() {
        Ok(found)
    } else {
        Err(CommandError::local(format!(
            "{}: no such file",
            found.display()
        )))
    }
}

/// Prints a line of the rehearsal; with `--json` to standard error, so that standard output is one
/// object.
fn print(global: &Global, line: &str) {
    if global.json {
        eprintln!("{line}");
    } else if !global.quiet {
        println!("{line}");
    }
}
