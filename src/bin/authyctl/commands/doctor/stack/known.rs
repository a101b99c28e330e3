//! What each module of a stack answers, as far as that is known from its name and arguments.

use super::Module;
use super::control::{AUTH_ERR, Code, IGNORE, SUCCESS};

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
/// Modules that say nothing about the user's identity.
const HELPERS: [&str; 16] = [
    "pam_env.so",
    "pam_faildelay.so",
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
    "pam_loginuid.so",
];
/// Whether a module checks a password, or what replaces one.
pub(crate) fn is_first_factor(module: &Module) -> bool {
    FIRST_FACTORS.contains(&module.name.as_str())
}

/// Returns the answer of a module that always gives the same one.
pub(crate) fn fixed_answer(module: &Module) -> Option<Code> {
    let name = module.name.as_str();
    match name {
        _ if HELPERS.contains(&name) => Some(IGNORE),
        "pam_permit.so" | "pam_localuser.so" | "pam_usertype.so" | "pam_shells.so" => Some(SUCCESS),
        "pam_deny.so" | "pam_rootok.so" | "pam_fprintd.so" => Some(AUTH_ERR),
        "pam_faillock.so" if module.has("authfail") => Some(AUTH_ERR),
        "pam_faillock.so" => Some(SUCCESS),
        _ => None,
    }
}
