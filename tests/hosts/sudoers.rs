//! Random rules of sudo.

use std::fs;

use super::accounts::write;
use crate::common::numbers::Numbers;

const OWN: &str = "/etc/sudoers.d/50-own";
const MORE: &str = "/etc/sudoers-more";
/// One try for each call, without a lecture, and no cached credentials.
const ALWAYS: &str = "Defaults timestamp_timeout=0, lecture=never, passwd_tries=1, !use_pty, !mail_badpass\n\
                      svc ALL=(ALL) ALL\n";
/// The rule for an account that is not in /etc/passwd.
pub(super) const FOR_DORA: &str = "dora ALL=(ALL) ALL\n";
pub(super) const AS_SVC: &str = "Defaults runaspw, runas_default=svc";
/// Rules of which a host has a few.
const RULES: [&str; 33] = [
    "ada ALL=(ALL) NOPASSWD: ALL",
    "ada ALL=(ALL) NOPASSWD: /usr/bin/true",
    "ada ALL=(ALL) NOPASSWD: /usr/bin/true, PASSWD: /usr/bin/id",
    "%sudo ALL=(ALL:ALL) NOPASSWD: /usr/bin/id",
    "ALL ALL=(root) NOPASSWD: /usr/bin/true",
    "svc ALL=(root) NOPASSWD: ALL\nsvc ALL=(ALL) ALL",
    "Host_Alias OURS = nowhere.example\nada OURS=(ALL) NOPASSWD: ALL",
    "Cmnd_Alias HARMLESS = /usr/bin/true, /usr/bin/id\nkim ALL=(ALL) NOPASSWD: HARMLESS",
    "User_Alias OPS = svc, %staff\nOPS ALL=(ALL) NOPASSWD: /usr/bin/id",
    "Defaults:ada !authenticate",
    "Defaults:%sudo !authenticate\nDefaults:ada authenticate",
    "Defaults!/usr/bin/true !authenticate",
    "Defaults>svc !authenticate",
    "Defaults !authenticate",
    "Defaults !authenticate\nDefaults authenticate",
    "Defaults exempt_group=sudo",
    "Defaults exempt_group=staff",
    "Defaults pam_service=sudo-mfa",
    "Defaults:ada pam_service=sudo-mfa",
    "Defaults pam_service=sudo-mfa\nDefaults pam_service=sudo",
    "Defaults pam_service=nowhere",
    "Defaults pam_login_service=sudo-mfa",
    "Defaults pam_login_service=sudo",
    "Defaults pam_askpass_service=sudo-mfa",
    "Defaults pam_askpass_service=sudo",
    "Defaults:%sudo pam_askpass_service=nowhere",
    "Defaults targetpw",
    "Defaults rootpw",
    AS_SVC,
    "Defaults:svc targetpw",
    "@include /etc/sudoers-more",
    "eve ALL=(ALL) NOPASSWD: /usr/bin/true",
    "eve ALL=(ALL) ALL",
];
/// What people run by sudo. With `-A`, a program of the user's answers its prompts.
pub(super) const COMMANDS: [&str; 5] = ["id -u", "true", "-i true", "-u svc id -u", "-A id -u"];

/// Writes random rules, and returns them.
pub(super) fn write_rules(numbers: &mut Numbers) -> String {
    let mut text = ALWAYS.to_owned();
    if numbers.chance(50) {
        text.push_str(FOR_DORA);
    }
    for _ in 0..numbers.pick(&[0, 0, 1, 1, 2, 3]) {
        let rule = numbers.pick(&RULES);
        let is_alias_again = rule.contains("_Alias") && text.contains(rule);
        if !is_alias_again {
            text.push_str(rule);
            text.push('\n');
        }
    }
    let more = numbers.pick(&RULES[..29]);
    write(MORE, 0o440, &format!("{more}\n"));
    write(OWN, 0o440, &text);
    if text.contains(MORE) {
        let included = fs::read_to_string(MORE).unwrap();
        return format!("{text}--- {MORE}\n{included}");
    }
    text
}
