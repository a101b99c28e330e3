//! Random stacks, as administrators and distributions write them, of modules that are really there.

use std::fs;
use std::path::Path;

use super::accounts::write;
use crate::common::numbers::Numbers;

/// What follows the `auth` lines. The script records the service and the user.
const REST: &str = "account required pam_permit.so\n\
                    account optional pam_exec.so quiet /usr/local/bin/mark\n\
                    session required pam_permit.so\n";
/// Lines of Debian, of Debian with a module that is not installed, of Fedora, of pam_faillock(8),
/// and the shortest.
const COMMON: [&str; 7] = [
    "auth [success=1 default=ignore] pam_unix.so nullok nodelay\nauth requisite pam_deny.so\n\
     auth required pam_permit.so\nauth optional pam_cap.so\n",
    "auth [success=2 default=ignore] pam_unix.so nodelay\n\
     auth [success=1 default=ignore] pam_sss.so use_first_pass\nauth requisite pam_deny.so\n\
     auth required pam_permit.so\n",
    "auth required pam_env.so\nauth required pam_faildelay.so delay=0\n\
     auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular\n\
     auth [default=1 ignore=ignore success=ok] pam_localuser.so\n\
     auth sufficient pam_unix.so nodelay\n\
     auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular\n\
     auth sufficient pam_unix.so use_first_pass nodelay\nauth required pam_deny.so\n",
    "auth required pam_faillock.so preauth nodelay\nauth [success=1 default=bad] pam_unix.so nodelay\n\
     auth [default=die] pam_faillock.so authfail nodelay\nauth sufficient pam_faillock.so authsucc\n\
     auth required pam_deny.so\n",
    "auth required pam_faillock.so preauth nodelay\nauth [success=1 default=ignore] pam_unix.so nodelay\n\
     auth [default=die] pam_faillock.so authfail nodelay\nauth required pam_faillock.so authsucc\n",
    "auth required pam_env.so\nauth sufficient pam_unix.so nullok nodelay\nauth required pam_deny.so\n",
    "auth requisite pam_unix.so nodelay\n",
];
/// Lines that come before the password.
const BEFORE: [&str; 8] = [
    "auth required pam_env.so",
    "auth required pam_nologin.so",
    "auth required pam_faildelay.so delay=0",
    "auth optional pam_group.so",
    "auth required pam_access.so accessfile=/etc/security/own.conf",
    "auth required pam_listfile.so item=user sense=deny file=/etc/denied onerr=succeed",
    "auth requisite pam_succeed_if.so quiet user != nobody",
    "-auth optional pam_sss.so",
];
/// Conditions of jumps and of `sufficient` lines; each is true of one person and false of another.
const CONDITIONS: [&str; 8] = [
    "pam_succeed_if.so quiet user ingroup sudo",
    "pam_succeed_if.so quiet uid < 1000",
    "pam_succeed_if.so quiet user = ada",
    "pam_usertype.so isregular",
    "pam_localuser.so",
    "pam_shells.so",
    "pam_listfile.so item=user sense=allow file=/etc/allowed onerr=fail",
    "pam_access.so accessfile=/etc/security/own.conf",
];
const JUMPS: [&str; 5] = [
    "[success=1 default=ignore]",
    "[success=2 default=ignore]",
    "[default=1 success=ok]",
    "[success=ignore default=1]",
    "sufficient",
];
const OF_PASSWORD: [&str; 9] = [
    "requisite",
    "requisite",
    "requisite",
    "required",
    "required",
    "sufficient",
    "optional",
    "[success=ok new_authtok_reqd=ok ignore=ignore user_unknown=bad default=die]",
    "[success=1 default=ignore]",
];
const ARGUMENTS: [&str; 6] = ["", "", "", " nullok", " try_first_pass", " use_first_pass"];
const OURS: [&str; 12] = [
    "required",
    "required",
    "required",
    "required",
    "required",
    "requisite",
    "requisite",
    "[success=ok ignore=ignore default=die]",
    "[success=done ignore=ignore default=die]",
    "sufficient",
    "optional",
    "[success=1 default=ignore]",
];
const AFTER: [&str; 6] = [
    "auth required pam_permit.so",
    "auth required pam_permit.so",
    "auth required pam_permit.so",
    "auth optional pam_cap.so",
    "auth requisite pam_deny.so",
    "auth sufficient pam_permit.so",
];

/// The services that get random stacks.
pub(super) const SERVICES: [&str; 5] = ["sshd", "sudo", "sudo-i", "sudo-mfa", "su"];

/// A random stack of a service.
#[derive(Debug, Default)]
pub(super) struct Stack {
    pub(super) service: &'static str,
    pub(super) text: String,
    pub(super) has_ours: bool,
    pub(super) is_nullok: bool,
    /// It is that of sudo.
    pub(super) is_copy: bool,
}

/// Writes a random common-auth and a random stack for each service; some services have none.
pub(super) fn write_all(numbers: &mut Numbers) -> Vec<Stack> {
    write("/etc/pam.d/common-auth", 0o644, numbers.pick(&COMMON));
    let mut stacks: Vec<Stack> = Vec::new();
    for service in SERVICES {
        let path = Path::new("/etc/pam.d").join(service);
        let _ = fs::remove_file(&path);
        let is_missing = service.starts_with("sudo-") && numbers.chance(15);
        if is_missing {
            continue;
        }
        // `sudo -i` mostly does what sudo does.
        let same = stacks.last().filter(|_| service == "sudo-i");
        let stack = match same.filter(|_| numbers.chance(70)) {
            Some(stack) => Stack {
                service,
                text: stack.text.clone(),
                is_copy: true,
                ..*stack
            },
            None => Stack::random(numbers, service),
        };
        write(
            path.to_str().unwrap(),
            0o644,
            &format!("{}{REST}", stack.text),
        );
        stacks.push(stack);
    }
    stacks
}

impl Stack {
    fn random(numbers: &mut Numbers, service: &'static str) -> Self {
        let mut stack = Self {
            service,
            // Settings of sudo name this one, which may be one without our line.
            has_ours: numbers.chance(if service == "sudo-mfa" { 60 } else { 92 }),
            is_nullok: numbers.chance(8),
            ..Self::default()
        };
        let mut lines: Vec<String> = Vec::new();
        for _ in 0..numbers.below(3) {
            lines.push(numbers.pick(&BEFORE).to_owned());
        }
        if numbers.chance(20) {
            lines.push(condition(numbers));
        }
        lines.extend(password(numbers));
        if numbers.chance(12) {
            lines.push(condition(numbers));
        }
        if stack.has_ours {
            let at = if numbers.chance(8) { 0 } else { lines.len() };
            lines.insert(at, stack.ours(numbers));
            if numbers.chance(5) {
                lines.push(stack.ours(numbers));
            }
        }
        for _ in 0..numbers.pick(&[0, 1, 1, 1, 2]) {
            lines.push(numbers.pick(&AFTER).to_owned());
        }
        if numbers.chance(6) {
            lines.push("auth optional pam_exec.so quiet /bin/true".to_owned());
        }
        if numbers.chance(3) {
            lines.push(
                numbers
                    .pick(&[
                        "auth required",
                        "auht required pam_env.so",
                        "@include nowhere",
                    ])
                    .to_owned(),
            );
        }
        stack.text = lines.join("\n") + "\n";
        stack
    }

    fn ours(&self, numbers: &mut Numbers) -> String {
        let argument = if self.is_nullok { " nullok" } else { "" };
        format!("auth {} pam_authy.so{argument}", numbers.pick(&OURS))
    }
}

fn condition(numbers: &mut Numbers) -> String {
    let (control, module) = (numbers.pick(&JUMPS), numbers.pick(&CONDITIONS));
    format!("auth {control} {module}")
}

/// Returns the lines that check the password; few stacks have none.
fn password(numbers: &mut Numbers) -> Vec<String> {
    let line = match numbers.below(16) {
        0..=3 => "@include common-auth".to_owned(),
        4 | 5 => "auth include common-auth".to_owned(),
        6 | 7 => "auth substack common-auth".to_owned(),
        8..=14 => {
            let arguments = numbers.pick(&ARGUMENTS);
            format!(
                "auth {} pam_unix.so nodelay{arguments}",
                numbers.pick(&OF_PASSWORD)
            )
        }
        _ => return Vec::new(),
    };
    vec![line]
}

/// What the files that conditions read say. Doctor reads none of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lists {
    denied: &'static str,
    allowed: &'static str,
    access: &'static str,
    shells: &'static str,
}

const ALL: &str = "ada\nkim\neve\nsvc\ndora\nroot\n";
/// What a host has.
pub(super) const USUAL: Lists = Lists {
    denied: "svc\n",
    allowed: "ada\ndora\n",
    access: "- : svc eve : ALL\n+ : ALL : ALL\n",
    shells: "/bin/sh\n/bin/bash\n",
};

impl Lists {
    /// Returns what the files can say, so that each condition of a stack is met by all people or by
    /// none.
    pub(super) fn others(stack: &str) -> impl Iterator<Item = Self> {
        let readers = [
            "/etc/allowed",
            "/etc/security/own.conf",
            "pam_shells.so",
            "/etc/denied",
        ];
        let used = readers.iter().zip([1, 2, 4, 8]);
        let used: u8 = used
            .filter(|(reader, _)| stack.contains(**reader))
            .map(|(_, bit)| bit)
            .sum();
        let numbers = (0..16).filter(move |number| number & used == *number);
        numbers.map(|number: u8| Self {
            denied: if number & 8 == 0 { "" } else { ALL },
            allowed: if number & 1 == 0 { ALL } else { "" },
            access: if number & 2 == 0 {
                "+ : ALL : ALL\n"
            } else {
                "- : ALL : ALL\n"
            },
            shells: if number & 4 == 0 {
                "/bin/sh\n/usr/local/bin/own-shell\n"
            } else {
                "/bin/bash\n"
            },
        })
    }

    pub(super) fn write(self) {
        write("/etc/denied", 0o644, self.denied);
        write("/etc/allowed", 0o644, self.allowed);
        write("/etc/security/own.conf", 0o644, self.access);
        write("/etc/shells", 0o644, self.shells);
    }
}

/// Writes the files that the lines above name.
pub(super) fn make_lists() {
    USUAL.write();
    let script = "#!/bin/sh\necho \"$PAM_SERVICE $PAM_USER\" >>/run/marks\n";
    write("/usr/local/bin/mark", 0o755, script);
}
