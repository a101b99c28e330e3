//! The lines of a stack for logins after sshd has checked a key: it asks for no password.

use std::collections::BTreeSet;

use crate::commands::stack::{
    Action, Code, Handler, Kind, fixed_answer, target_of_jump, target_of_level,
};

/// Marks such a stack.
pub(super) const MARK: &[u8] = b"# pam_authy: sshd requires a key instead of the password";
/// Modules that may stay before our line: they prepare the session or close the host, and ask for
/// nothing.
const KEPT: [&str; 13] = [
    "pam_env.so",
    "pam_nologin.so",
    "pam_shells.so",
    "pam_access.so",
    "pam_group.so",
    "pam_cap.so",
    "pam_limits.so",
    "pam_umask.so",
    "pam_motd.so",
    "pam_mail.so",
    "pam_keyinit.so",
    "pam_selinux.so",
    "pam_sepermit.so",
];

/// Those of them that close the host.
const CLOSING: [&str; 4] = [
    "pam_nologin.so",
    "pam_shells.so",
    "pam_access.so",
    "pam_sepermit.so",
];

/// Refuses a stack with a line that libpam cannot use: what it was meant to do is not known.
///
/// # Errors
/// Its file and line, and why.
pub(super) fn refuse_broken(handlers: &[Handler]) -> Result<(), String> {
    let broken = handlers.iter().find_map(|handler| match &handler.kind {
        Kind::Broken(why) => Some((&handler.place, why)),
        Kind::Module(_) | Kind::Substack => None,
    });
    match broken {
        Some((place, why)) => Err(format!("{place}: {why}")),
        None => Ok(()),
    }
}

/// Refuses a stack in which a removed line jumps over a line that stays and can refuse: the line
/// that stays would then apply to every user.
///
/// # Errors
/// The file and line of the one that stays.
pub(super) fn refuse_skipped(handlers: &[Handler]) -> Result<(), String> {
    for (at, stays) in handlers
        .iter()
        .enumerate()
        .filter(|(_, line)| can_refuse(line))
    {
        let before = handlers.iter().enumerate().take(at);
        let mut gone = before.filter(|(_, line)| !is_kept(line));
        if let Some((_, line)) = gone.find(|(from, line)| skips(handlers, *from, line, at)) {
            return Err(format!(
                "{}: is not called for every user: {} decides, which would go",
                stays.place, line.place
            ));
        }
    }
    Ok(())
}

/// Whether an answer to the line at `from` leads past the line at `at`.
fn skips(handlers: &[Handler], from: usize, line: &Handler, at: usize) -> bool {
    let leads_past = |code| match line.actions.of(code) {
        Action::Jump(count) => target_of_jump(handlers, from + 1, line.level, count).0 > at,
        Action::Done => target_of_level(handlers, from + 1, line.level) > at,
        // A login that is refused does not matter.
        Action::Die | Action::Bad | Action::Ignore | Action::Ok | Action::Reset => false,
    };
    match fixed_answer(line) {
        Some((code, _)) => leads_past(code),
        None => Code::all().any(leads_past),
    }
}

fn can_refuse(handler: &Handler) -> bool {
    let closes = handler
        .module()
        .is_some_and(|module| CLOSING.contains(&module.name.as_str()));
    closes && is_kept(handler) && !handler.control.eq_ignore_ascii_case("optional")
}

/// Returns the lines that stay.
pub(super) fn kept(handlers: &[Handler]) -> impl Iterator<Item = Vec<u8>> {
    let handlers = handlers.iter().filter(|handler| is_kept(handler));
    handlers.filter_map(|handler| {
        let kind = if handler.is_quiet { "-auth" } else { "auth" };
        let mut line = format!("{kind}  {}  ", handler.control).into_bytes();
        line.extend_from_slice(&handler.module()?.written);
        Some(line)
    })
}

/// Returns the names of the modules that are not called any more.
pub(super) fn dropped(handlers: &[Handler]) -> Vec<&str> {
    let dropped = handlers
        .iter()
        .filter(|handler| !is_kept(handler) && fixed_answer(handler).is_none());
    let names: BTreeSet<_> = dropped
        .filter_map(Handler::module)
        .map(|module| module.name.as_str())
        .collect();
    names.into_iter().collect()
}

fn is_kept(handler: &Handler) -> bool {
    let is_simple = ["required", "requisite", "optional"]
        .iter()
        .any(|word| handler.control.eq_ignore_ascii_case(word));
    let is_known = |name: &str| KEPT.contains(&name);
    is_simple
        && handler
            .module()
            .is_some_and(|module| is_known(&module.name))
}
