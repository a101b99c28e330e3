//! What the modules of a stack can answer, as far as that is known from name and arguments. An
//! unknown module may answer anything.

use std::collections::BTreeSet;

use crate::commands::stack::{Code, Handler, Module, fixed_answer, is_our_module};

/// Modules that check a password, or what replaces one.
const FIRST_FACTORS: [&str; 9] = [
    "pam_unix.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_systemd_home.so",
    "pam_kanidm.so",
    "pam_himmelblau.so",
    "pam_lsass.so",
];
/// Modules that say nothing about who the user is, but may refuse.
const HELPERS: [&str; 30] = [
    "pam_env.so",
    "pam_faildelay.so",
    "pam_faillock.so",
    "pam_nologin.so",
    "pam_cap.so",
    "pam_motd.so",
    "pam_mail.so",
    "pam_limits.so",
    "pam_group.so",
    "pam_umask.so",
    "pam_gnome_keyring.so",
    "pam_kwallet5.so",
    "pam_securetty.so",
    "pam_selinux.so",
    "pam_keyinit.so",
    "pam_warn.so",
    "pam_echo.so",
    "pam_loginuid.so",
    "pam_localuser.so",
    "pam_usertype.so",
    "pam_shells.so",
    "pam_succeed_if.so",
    "pam_access.so",
    "pam_listfile.so",
    "pam_time.so",
    "pam_tally2.so",
    "pam_permit.so",
    "pam_sepermit.so",
    "pam_wheel.so",
    "pam_issue.so",
];
/// Modules with an `authenticate` that checks nothing and always answers `ignore`.
const IGNORES_ALWAYS: [&str; 4] = [
    "pam_env.so",
    "pam_faildelay.so",
    "pam_group.so",
    "pam_warn.so",
];
/// First factors that with `use_first_pass` refuse whatever no module before them has asked for.
const TAKES_FIRST_PASS: [&str; 5] = [
    "pam_unix.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
];
/// Services of programs that a user starts, so that pam_rootok.so checks that user. A daemon is
/// always root, and so is the helper of polkit from 127 on.
const OF_USERS: [&str; 8] = [
    "su", "su-l", "sudo", "sudo-i", "doas", "chfn", "chsh", "passwd",
];
/// Arguments with which a module answers `ignore` where it knows nothing of a user, or its server
/// does not answer.
const IGNORING: [&str; 2] = ["ignore_unknown_user", "ignore_authinfo_unavail"];

/// Modules that answer by the user alone, and so the same for each line with the same arguments.
const ABOUT_USER: [&str; 6] = [
    "pam_access.so",
    "pam_listfile.so",
    "pam_localuser.so",
    "pam_shells.so",
    "pam_succeed_if.so",
    "pam_usertype.so",
];

/// What the question assumes of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Password {
    /// Each module answers whatever it can.
    Any,
    /// It is wrong, and a module that is not known accepts nothing else either.
    Wrong,
    /// It is wrong, and a module that is not known answers anything.
    WrongIfKnown,
}

/// What our own module answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    Accepts,
    Ignores,
    Refuses,
}

/// Whether a module checks a password, or what replaces one.
pub(crate) fn is_first_factor(module: &Module) -> bool {
    FIRST_FACTORS.contains(&module.name.as_str())
}

/// Whether a module may be a first factor, for all that is known.
pub(super) fn is_unknown(line: &Handler) -> bool {
    line.module().is_some_and(|module| {
        let name = module.name.as_str();
        !is_our_module(module)
            && !is_first_factor(module)
            && !HELPERS.contains(&name)
            && name != "pam_rootok.so"
            && !module.is_missing
            && fixed_answer(line).is_none()
    })
}

/// Whether a line may leave the password that it asked for to those after it (PAM_AUTHTOK).
pub(super) fn leaves_password(line: &Handler, token_in_password: bool) -> bool {
    line.module().is_some_and(|module| {
        if is_our_module(module) {
            return token_in_password;
        }
        let is_asking = !module.is_missing && !module.has("use_first_pass");
        let is_silent = module.name == "pam_sss.so" && !module.has("forward_pass");
        is_unknown(line) || is_first_factor(module) && is_asking && !is_silent
    })
}

/// Whether a line takes only a password that a line before it has asked for. With `nullok`,
/// pam_unix.so needs none where the account has none.
fn needs_first_pass(module: &Module) -> bool {
    TAKES_FIRST_PASS.contains(&module.name.as_str())
        && module.has("use_first_pass")
        && !module.has("nullok")
}

/// Whether a line has a condition of the user.
pub(super) fn is_about_user(line: &Handler) -> bool {
    line.module()
        .is_some_and(|module| ABOUT_USER.contains(&module.name.as_str()))
}

/// Whether a line checks a password; `has_password`: a line before it may have left one.
pub(super) fn checks_password(line: &Handler, has_password: bool) -> bool {
    line.module().is_some_and(|module| {
        let is_there = has_password || !needs_first_pass(module);
        is_first_factor(module) && !module.is_missing && is_there
    })
}

/// Returns what a line of `service` can answer, one code for each distinct effect on the stack.
/// `has_password`: a line before it may have left one.
pub(super) fn answers(
    service: &str,
    line: &Handler,
    password: Password,
    ours: Ours,
    has_password: bool,
) -> Vec<Code> {
    if let Some((code, _)) = fixed_answer(line) {
        return vec![code];
    }
    let Some(module) = line.module() else {
        return Vec::new();
    };
    if module.is_missing {
        return vec![Code::MODULE_UNKNOWN];
    }
    if is_our_module(module) {
        return match ours {
            Ours::Accepts => vec![Code::SUCCESS],
            Ours::Ignores => vec![Code::IGNORE],
            Ours::Refuses => distinct(line, is_refusal),
        };
    }
    let is_wrong = password != Password::Any;
    match module.name.as_str() {
        "pam_faillock.so" if module.has("authfail") => vec![Code::AUTH_ERR, Code::IGNORE],
        "pam_rootok.so" if OF_USERS.contains(&service) => vec![Code::AUTH_ERR],
        name if IGNORES_ALWAYS.contains(&name) => vec![Code::IGNORE],
        _ if is_first_factor(module) && (is_wrong || !has_password && needs_first_pass(module)) => {
            let may_ignore = IGNORING.iter().any(|argument| module.has(argument));
            distinct(line, |code| {
                is_refusal(code) || (code == Code::IGNORE && may_ignore)
            })
        }
        _ if password == Password::Wrong && is_unknown(line) => distinct(line, is_refusal),
        _ => distinct(line, |_| true),
    }
}

/// Whether a code refuses: it neither accepts nor is `ignore`.
fn is_refusal(code: Code) -> bool {
    ![Code::SUCCESS, Code::NEW_AUTHTOK_REQD, Code::IGNORE].contains(&code)
}

/// Returns those of the wanted codes that the line treats differently.
fn distinct(line: &Handler, is_wanted: impl Fn(Code) -> bool) -> Vec<Code> {
    let mut kinds = BTreeSet::new();
    let is_new = |code: &Code| {
        let is_special = [Code::SUCCESS, Code::IGNORE].contains(code);
        kinds.insert((line.actions.of(*code), is_special.then_some(*code)))
    };
    Code::all()
        .filter(|code| is_wanted(*code))
        .filter(is_new)
        .collect()
}

#[cfg(test)]
mod tests {
    use pam_authy::pam_app::{Style, Transaction, write_stack};

    use super::*;

    /// Returns what libpam answers for a stack of one line that passes each answer on, and how many
    /// prompts it shows.
    fn libpam_says(module: &str) -> (String, usize) {
        let folder = tempfile::tempdir().unwrap();
        write_stack(folder.path(), "x", &[format!("auth [default=ok] {module}")]).unwrap();
        let mut prompts = 0;
        let mut answer = |_: Style, _: &str| {
            prompts += 1;
            Some("wrong".to_owned())
        };
        let mut pam = Transaction::start("x", "root", folder.path(), &mut answer).unwrap();
        let said = pam.authenticate().name();
        drop(pam);
        (said.to_owned(), prompts)
    }

    #[test]
    fn modules_that_only_prepare_a_login_answer_ignore_in_libpam() {
        let with_arguments = [
            "pam_env.so conffile=/nowhere readenv=1",
            "pam_faildelay.so delay=0",
            "pam_faildelay.so delay=nonsense",
        ];
        for module in IGNORES_ALWAYS.iter().chain(&with_arguments) {
            let said = libpam_says(module);
            assert_eq!(said, ("PAM_IGNORE".to_owned(), 0), "{module}");
        }
    }

    #[test]
    fn pam_unix_asks_for_no_password_with_use_first_pass() {
        let (said, prompts) = libpam_says("pam_unix.so nodelay use_first_pass");
        assert_eq!((said.as_str(), prompts), ("PAM_AUTH_ERR", 0));
        assert_eq!(libpam_says("pam_unix.so nodelay try_first_pass").1, 1);
    }
}
