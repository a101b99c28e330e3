//! Random settings of sshd.

use super::accounts::write;
use crate::common::numbers::Numbers;

/// sshd uses the first value of a setting, so that these are what a host has without others.
const MAIN: &str = "Include /etc/ssh/sshd_config.d/*.conf\nHostKey /etc/ssh/ssh_host_ed25519_key\n\
                    Port 22\nPort 2222\nLogLevel VERBOSE\nUsePAM yes\nKbdInteractiveAuthentication no\n\
                    MaxStartups 100\n";
const OWN: &str = "/etc/ssh/sshd_config.d/50-own.conf";
const METHODS: [&str; 16] = [
    "keyboard-interactive",
    "keyboard-interactive",
    "keyboard-interactive",
    "publickey,keyboard-interactive",
    "publickey,keyboard-interactive",
    "publickey,keyboard-interactive",
    "publickey,keyboard-interactive:pam",
    "keyboard-interactive publickey",
    "publickey,keyboard-interactive keyboard-interactive",
    "publickey,password publickey,keyboard-interactive",
    "publickey,password",
    "password,keyboard-interactive",
    "publickey",
    "password",
    "any",
    "publickey,keyboard-interactive password",
];
const CRITERIA: [&str; 20] = [
    "User ada",
    "User eve",
    "User kim,svc",
    "User root",
    "User *,!root",
    "User dora",
    "Group sudo",
    "Group staff",
    "Group *,!sudo",
    "Group users",
    "Address 10.0.0.0/8",
    "Address *,!10.0.0.0/8",
    "Address ::1",
    "Address 127.0.0.0/8,::1",
    "Address 192.0.2.*",
    "LocalPort 2222",
    "LocalAddress 192.0.2.9",
    "Host localhost",
    "User ada Address 10.0.0.0/8",
    "all",
];
const LISTS: [&str; 6] = [
    "AllowGroups sudo users root",
    "DenyUsers eve",
    "AllowUsers ada kim root",
    "DenyGroups staff",
    "AllowUsers *@10.0.0.0/8 ada",
    "DenyUsers svc@127.0.0.1",
];
/// Where logins come from.
pub(super) const ADDRESSES: [&str; 4] = ["127.0.0.1", "::1", "10.0.0.1", "192.0.2.1"];

/// Settings as the README has them, with which doctor finds nothing wrong where every user has what
/// they ask for.
const RIGHT: &str =
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nPermitRootLogin no\n";

/// Writes random settings, and returns them.
pub(super) fn write_settings(numbers: &mut Numbers) -> String {
    let text = if numbers.chance(25) {
        let methods = numbers.pick(&METHODS[..7]);
        format!("{RIGHT}AuthenticationMethods {methods}\n")
    } else {
        random_settings(numbers)
    };
    write("/etc/ssh/sshd_config", 0o644, MAIN);
    write(OWN, 0o644, &text);
    text
}

fn random_settings(numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut push = |line: String| lines.push(line);
    if numbers.chance(92) {
        let value = if numbers.chance(95) { "yes" } else { "no" };
        push(format!("KbdInteractiveAuthentication {value}"));
    }
    let methods = numbers.pick(&METHODS);
    let needs_password = methods.contains("password");
    if needs_password || numbers.chance(80) {
        // sshd does not start when it can use none of the lists.
        let is_on = numbers.chance(if needs_password { 85 } else { 25 });
        let value = if is_on { "yes" } else { "no" };
        push(format!("PasswordAuthentication {value}"));
    }
    if numbers.chance(85) {
        push(format!("AuthenticationMethods {methods}"));
    }
    if numbers.chance(8) {
        push("PubkeyAuthentication no".to_owned());
    }
    if numbers.chance(85) {
        let value = numbers.pick(&[
            "no",
            "no",
            "no",
            "no",
            "yes",
            "prohibit-password",
            "forced-commands-only",
        ]);
        push(format!("PermitRootLogin {value}"));
    }
    if numbers.chance(4) {
        push("UsePAM no".to_owned());
    }
    if numbers.chance(15) {
        push(numbers.pick(&LISTS).to_owned());
    }
    if numbers.chance(3) {
        push("AuthorizedKeysFile none".to_owned());
    }
    if numbers.chance(2) {
        push("Nonsense yes".to_owned());
    }
    for _ in 0..numbers.pick(&[0, 0, 0, 1, 1, 2]) {
        push(format!("Match {}", numbers.pick(&CRITERIA)));
        push(format!("    {}", in_block(numbers)));
        if numbers.chance(30) {
            push(format!("    {}", in_block(numbers)));
        }
    }
    lines.join("\n") + "\n"
}

fn in_block(numbers: &mut Numbers) -> String {
    match numbers.below(8) {
        0..=4 => format!("AuthenticationMethods {}", numbers.pick(&METHODS)),
        5 => format!("PasswordAuthentication {}", numbers.pick(&["yes", "no"])),
        6 => format!(
            "KbdInteractiveAuthentication {}",
            numbers.pick(&["yes", "no"])
        ),
        _ => numbers
            .pick(&[
                "PubkeyAuthentication no",
                "PermitRootLogin no",
                "PermitRootLogin yes",
            ])
            .to_owned(),
    }
}
