//! Random stacks of stand-ins, with includes, substacks, jumps over them and all control words, and
//! random answers for them.

use super::System;
use crate::common::logins::{STAND_INS, Script, module};
use crate::common::numbers::Numbers;

use std::fs;

/// Codes that modules answer, with their names in control fields.
const CODES: [(i32, &str); 8] = [
    (0, "success"),
    (7, "auth_err"),
    (9, "authinfo_unavail"),
    (10, "user_unknown"),
    (11, "maxtries"),
    (12, "new_authtok_reqd"),
    (6, "perm_denied"),
    (25, "ignore"),
];
const WORDS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];
/// Fields as distributions and administrators write them.
const FIELDS: [&str; 12] = [
    "success=1 default=ignore",
    "success=2 default=ignore",
    "success=3 default=ignore",
    "success=1 default=bad",
    "default=1 ignore=ignore success=ok",
    "default=die",
    "success=ok ignore=ignore default=die",
    "success=done authinfo_unavail=ignore user_unknown=ignore ignore=ignore default=die",
    "success=done default=bad",
    "success=ok new_authtok_reqd=ok ignore=ignore user_unknown=bad default=die",
    "success=1 new_authtok_reqd=1 ignore=ignore default=bad",
    "default=ignore",
];
const ACTIONS: [&str; 11] = [
    "ignore", "bad", "die", "ok", "done", "ignore", "bad", "1", "2", "3", "reset",
];

/// The name of each included file begins so. libpam of Debian looks for relative names in
/// /etc/pam.d alone, so that its files have absolute ones instead.
const INCLUDED: &str = "INC-";

/// A random stack.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) service: String,
    /// The control field of each stand-in.
    controls: Vec<String>,
    /// Those of pam_deny.so.
    of_deny: Vec<String>,
    /// All files, for a reader of a failed test.
    pub(super) shown: String,
}

/// Writes a random stack into `system`, for authyctl and for libpam.
pub(super) fn stack(numbers: &mut Numbers, system: &System, service: &str) -> Stack {
    let mut stack = Stack {
        service: service.to_owned(),
        controls: Vec::new(),
        of_deny: Vec::new(),
        shown: String::new(),
    };
    stack.write(numbers, system, service, 0);
    stack
}

/// Returns a file of a stack as libpam gets it.
pub(super) fn for_libpam(system: &System, content: &[u8]) -> Vec<u8> {
    let to = format!("{}/{INCLUDED}", system.libpam().display());
    super::replace(content, INCLUDED, &to)
}

impl Stack {
    fn write(&mut self, numbers: &mut Numbers, system: &System, name: &str, depth: usize) {
        let mut text = String::new();
        for number in 0..=numbers.below(5) {
            let line = match numbers.below(14) {
                0..=2 if depth < 2 => {
                    let inner = format!(
                        "{INCLUDED}{}-{depth}{number}",
                        name.trim_start_matches(INCLUDED)
                    );
                    self.write(numbers, system, &inner, depth + 1);
                    match numbers.below(5) {
                        0 => format!("@include {inner}"),
                        1 | 2 => format!("auth include {inner}"),
                        _ => format!("auth substack {inner}"),
                    }
                }
                3 => format!("auth {} pam_permit.so", control(numbers)),
                4 => {
                    let control = control(numbers);
                    let line = format!("auth {control} pam_deny.so");
                    self.of_deny.push(control);
                    line
                }
                5 => "session required pam_permit.so".to_owned(),
                _ => self.stand_in(numbers),
            };
            text.push_str(&line);
            text.push('\n');
        }
        if depth > 0 && numbers.below(2) == 0 {
            text.push_str("auth required pam_deny.so\n");
        }
        fs::write(system.path("etc/pam.d").join(name), &text).unwrap();
        fs::write(
            system.libpam().join(name),
            for_libpam(system, text.as_bytes()),
        )
        .unwrap();
        self.shown.push_str(&format!("--- {name}\n{text}"));
    }

    fn stand_in(&mut self, numbers: &mut Numbers) -> String {
        // Our module is the last one.
        let number = self.controls.len().min(STAND_INS - 2);
        let control = control(numbers);
        self.controls.push(control.clone());
        let continued = numbers.pick(&["", "", "", " \\\n "]);
        format!("auth {control}{continued} {} {number}", module().display())
    }

    /// Returns random answers of all stand-ins, and `ours` of the last one.
    pub(super) fn script(&self, numbers: &mut Numbers, ours: i32) -> Script {
        let mut authenticate = Vec::new();
        let mut setcred = Vec::new();
        for number in 0..STAND_INS - 1 {
            let other = numbers.pick(&CODES).0;
            let code = numbers.pick(&[0, 0, 0, 7, other]);
            authenticate.push(code);
            let mut answer = numbers.pick(&[0, 0, code, 17, 25]);
            // libpam goes on behind a line that ends the stack when it ignores setcred: pam_setcred
            // then calls modules that pam_authenticate did not, and no jump does the same.
            let control = self.controls.get(number).map_or("", String::as_str);
            if answer == 25 && (control.contains("done") || control == "sufficient") {
                answer = code;
            }
            setcred.push(answer);
        }
        authenticate.push(ours);
        setcred.push(0);
        Script {
            service: self.service.clone(),
            authenticate,
            setcred,
        }
    }

    /// Returns the codes other than success that a line takes for an acceptance.
    pub(super) fn otherwise(&self) -> Vec<i32> {
        let accepts = |control: &str, name: &str| {
            let field = format!("{name}=");
            let named = control
                .split([' ', '[', ']'])
                .filter_map(|pair| pair.strip_prefix(&field))
                .next_back();
            match named {
                Some(action) => ["ok", "done"].contains(&action),
                None if WORDS.contains(&control) => name == "new_authtok_reqd",
                None => control.contains("default=ok") || control.contains("default=done"),
            }
        };
        let codes = CODES.iter().filter(|(code, _)| *code != 0);
        let accepted = codes.filter(|(_, name)| {
            self.controls
                .iter()
                .chain(&self.of_deny)
                .any(|control| accepts(control, name))
        });
        accepted.map(|(code, _)| *code).collect()
    }
}

fn control(numbers: &mut Numbers) -> String {
    match numbers.below(8) {
        0..=3 => numbers.pick(&WORDS).to_owned(),
        4 | 5 => format!("[{}]", numbers.pick(&FIELDS)),
        _ => {
            let pairs: Vec<_> = (0..=numbers.below(3))
                .map(|_| format!("{}={}", numbers.pick(&CODES).1, numbers.pick(&ACTIONS)))
                .collect();
            format!("[{} default={}]", pairs.join(" "), numbers.pick(&ACTIONS))
        }
    }
}
