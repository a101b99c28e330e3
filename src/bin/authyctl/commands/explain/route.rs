//! Whether a login to a service comes to our module: what sshd's settings and sudoers say, and what
//! is in the stack.

use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

use crate::cli::ExplainArgs;
use crate::commands::doctor;
use crate::commands::stack::{Files, Handler, PAM_DIR, Place, is_our_module, read};
use crate::commands::sudoers::{SUDOERS, Setting, Sudoers};
use crate::error::CommandError;
use crate::output::shown_name;

/// An address that is reserved for documentation (RFC 5737), for a login from elsewhere.
const ELSEWHERE: &str = "192.0.2.1";
const SUDO: &str = "/usr/bin/sudo";
/// Settings with which sudo asks for another user's password than its caller's, and the name of
/// that user.
const OF_OTHERS: [(&str, &str); 3] = [
    ("targetpw", "the target user"),
    ("rootpw", "root"),
    ("runaspw", "the user of runas_default"),
];

/// The route of a login.
#[derive(Debug)]
pub(super) struct Route {
    /// The service with the stack that is used in the end.
    pub(super) service: String,
    /// What else is known.
    pub(super) notes: Vec<String>,
    /// Why our module is not asked.
    pub(super) unasked: Option<Unasked>,
    /// Our line in the stack.
    pub(super) ours: Option<OurLine>,
    /// Where the stacks are.
    pub(super) files: Files,
}

/// Our line in a stack, as far as it changes what a login requires.
#[derive(Debug)]
pub(super) struct OurLine {
    pub(super) place: Place,
    pub(super) config: Option<PathBuf>,
    pub(super) users: Option<PathBuf>,
    pub(super) has_nullok: bool,
}

impl OurLine {
    fn of(handler: &Handler) -> Option<Self> {
        let module = handler.module().filter(|module| is_our_module(module))?;
        Some(Self {
            place: handler.place.clone(),
            config: module.path_of("config="),
            users: module.path_of("users="),
            has_nullok: module.has("nullok"),
        })
    }
}

/// Why a login does not come to our module, and which line says so.
#[derive(Debug)]
pub(super) struct Unasked {
    pub(super) reason: String,
    pub(super) file: String,
    pub(super) line: Option<usize>,
}

impl Unasked {
    /// Creates a value from a place `FILE:LINE` or `FILE`.
    fn new(reason: String, place: &str) -> Self {
        let (file, line) = match place.rsplit_once(':') {
            Some((file, line)) => match line.parse() {
                Ok(line) => (file, Some(line)),
                Err(_) => (place, None),
            },
            None => (place, None),
        };
        Self {
            reason,
            file: file.to_owned(),
            line,
        }
    }

    pub(super) fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}

/// Follows a login of the user of `args`.
///
/// # Errors
/// There is no such service, or libpam refuses every login of it before it calls a module.
pub(super) fn find(args: &ExplainArgs) -> Result<Route, CommandError> {
    let is_host = args.pam_dir == Path::new(PAM_DIR);
    let files = if is_host {
        Files::below(Path::new("/"))
    } else {
        Files::folder(&args.pam_dir)
    };
    let mut route = Route {
        service: args.service.clone(),
        notes: Vec::new(),
        unasked: None,
        ours: None,
        files,
    };
    if is_host {
        match args.service.as_str() {
            "sudo" | "sudo-i" => route.ask_sudo(args),
            "sshd" => route.ask_sshd(args),
            _ => {}
        }
    }
    if route.unasked.is_none() {
        route.look_at_stack(&args.service)?;
    }
    Ok(route)
}

impl Route {
    fn ask_sudo(&mut self, args: &ExplainArgs) {
        let user = args.user.as_str();
        if matches!(User::from_name(user), Ok(Some(account)) if account.uid.is_root()) {
            let reason = format!("sudo asks {} for nothing: its uid is 0", shown_name(user));
            self.unasked = Some(Unasked::new(reason, SUDO));
            return;
        }
        let sudoers = Sudoers::read(Path::new(SUDOERS));
        if let Some(why) = &sudoers.unknown {
            self.notes
                .push(format!("cannot tell what sudo asks: {why}"));
        }
        let name = if args.service == "sudo" {
            "pam_service"
        } else {
            "pam_login_service"
        };
        // The last one counts.
        if let Some(Setting { value, place, .. }) = sudoers.settings_for(name, user).pop() {
            self.service = value.unwrap_or_default();
            self.notes
                .push(format!("sudo uses the stack {} ({place})", self.service));
        }
        for (name, whose) in OF_OTHERS {
            if let Some(setting) = sudoers.settings_for(name, user).pop() {
                self.notes.push(format!(
                    "{name}: sudo asks for the factor of {whose}, not of {} ({})",
                    shown_name(user),
                    setting.place
                ));
            }
        }
        if let Some((setting, _)) = sudoers.without_password_for(user) {
            let reason = format!(
                "{}: sudo asks {} for nothing, for some commands at least",
                setting.name,
                shown_name(user)
            );
            self.unasked = Some(Unasked::new(reason, &setting.place));
        }
    }

    fn ask_sshd(&mut self, args: &ExplainArgs) {
        if !Uid::effective().is_root() {
            self.notes
                .push("not root: cannot look at sshd's settings".to_owned());
            return;
        }
        let address = args
            .rhost
            .map_or_else(|| ELSEWHERE.to_owned(), |rhost| rhost.to_string());
        let login = match doctor::sshd_login(&args.user, &address) {
            Ok(Some(login)) => login,
            Ok(None) => return,
            Err(why) => return self.notes.push(why),
        };
        if let Some(service) = login.service.filter(|service| *service != "sshd") {
            self.notes
                .push(format!("PAMServiceName: sshd uses the stack {service}"));
            self.service = service;
        }
        if login.is_refused {
            let user = shown_name(&args.user);
            self.notes.push(format!(
                "sshd refuses {user}, whatever is typed: see its lists of users and groups, and PermitRootLogin"
            ));
            return;
        }
        if login.is_without_pam {
            let reason = "UsePAM is off: sshd does not call PAM".to_owned();
            self.unasked = Some(Unasked::new(reason, &login.place));
            return;
        }
        let Some(methods) = login.without_prompt else {
            return;
        };
        let user = shown_name(&args.user);
        let reason = format!("sshd lets {user} in by `{methods}` alone");
        if login.is_never_asked {
            self.unasked = Some(Unasked::new(reason, &login.place));
        } else {
            self.notes.push(format!("{reason}, too"));
        }
    }

    fn look_at_stack(&mut self, asked: &str) -> Result<(), CommandError> {
        let files = &self.files;
        if self.service != asked && files.of_service(&self.service).is_none() {
            self.notes.push(format!(
                "there is no stack {}: libpam uses other",
                self.service
            ));
            self.service = "other".to_owned();
        }
        let service = &self.service;
        let Some(file) = files.of_service(service) else {
            return Err(
                CommandError::local(format!("{service}: there is no such service")).hint(format!(
                    "its stack would be {}",
                    files.own(service).display()
                )),
            );
        };
        let stack = read(files, service).map_err(|why| {
            CommandError::local(why).hint("libpam refuses every login of this service")
        })?;
        self.ours = stack.handlers.iter().find_map(OurLine::of);
        if self.ours.is_none() {
            let reason = format!("the stack of {service} does not have pam_authy.so");
            self.unasked = Some(Unasked::new(reason, &file.display().to_string()));
            self.notes
                .push(format!("to change that: authyctl pam enable {service}"));
        } else if let Some(line) = doctor::bypass(service, &stack.handlers) {
            self.notes
                .push(format!("some logins succeed without it: {line}"));
        }
        Ok(())
    }
}
