//! What doctor says of a stack, compared with every answer of its modules through libpam: an "ok"
//! is contradicted by no login, and each problem is shown by one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::System;
use crate::authyctl::{enrolled, run_json};
use crate::common::logins::{Login, STAND_INS, Script, module};
use crate::common::numbers::Numbers;
use crate::common::rounds;
use crate::common::rows::check_rows;

const OURS: usize = STAND_INS - 1;
/// One module of each kind: a first factor, two unknown modules, one that says nothing about the
/// user.
const MODULES: [&str; 4] = [
    "pam_unix.so",
    "pam_custom.so",
    "pam_other.so",
    "pam_access.so",
];
/// Success, two refusals, an acceptance with another code, ignore.
const CODES: [i32; 5] = [0, 7, 9, 12, 25];
const CONTROLS: [&str; 12] = [
    "required",
    "required",
    "requisite",
    "requisite",
    "sufficient",
    "optional",
    "[success=1 default=ignore]",
    "[success=ok ignore=ignore default=die]",
    "[success=done default=bad]",
    "[default=1 success=ok]",
    "[success=ok authinfo_unavail=ignore default=die]",
    "[success=ok default=reset]",
];

/// A random stack with our line in it.
#[derive(Debug)]
struct Stack {
    service: String,
    text: String,
    /// The module of each stand-in.
    modules: Vec<&'static str>,
}

/// Writes a random stack; its modules are copies of the stand-in under other names.
fn stack(numbers: &mut Numbers, system: &System, service: &str) -> Stack {
    let mut stack = Stack {
        service: service.to_owned(),
        text: String::new(),
        modules: Vec::new(),
    };
    let folder = modules(system);
    let count = 1 + numbers.below(3);
    let at = numbers.below(count + 1);
    let mut inner = String::new();
    for number in 0..=count {
        let control = numbers.pick(&CONTROLS);
        let line = if number == at {
            let control = numbers.pick(&["required", "required", "required", "requisite", control]);
            format!("auth {control} {}/pam_authy.so {OURS}\n", folder.display())
        } else if numbers.below(6) == 0 {
            format!(
                "auth {control} {}\n",
                numbers.pick(&["pam_permit.so", "pam_deny.so"])
            )
        } else {
            let name = numbers.pick(&MODULES);
            let number = stack.modules.len();
            stack.modules.push(name);
            format!("auth {control} {}/{name} {number}\n", folder.display())
        };
        // Some lines are in a substack, before all others of the stack.
        let is_inner = number + 1 < count && number != at && numbers.below(4) == 0;
        if is_inner {
            &mut inner
        } else {
            &mut stack.text
        }
        .push_str(&line);
    }
    if !inner.is_empty() {
        let path = system.libpam().join(format!("common-{service}"));
        stack.text = format!("auth substack {}\n{}", path.display(), stack.text);
        fs::write(path, inner).unwrap();
    }
    fs::write(system.libpam().join(service), &stack.text).unwrap();
    stack
}

/// Returns the folder of the copies; makes it first.
fn modules(system: &System) -> PathBuf {
    let folder = system.path("modules");
    if !folder.exists() {
        fs::create_dir(&folder).unwrap();
        for name in MODULES.iter().chain(&["pam_authy.so"]) {
            fs::copy(module(), folder.join(name)).unwrap();
        }
    }
    folder
}

/// Returns a script for each set of answers of the modules, and of ours: success or one of two
/// refusals.
fn scripts(stack: &Stack) -> Vec<Script> {
    let count = stack.modules.len();
    let sets = CODES.len().pow(u32::try_from(count).unwrap());
    let mut scripts = Vec::new();
    for set in 0..sets {
        for ours in [0, 7, 9] {
            let mut rest = set;
            let mut authenticate = vec![0; STAND_INS];
            for code in authenticate.iter_mut().take(count) {
                *code = CODES[rest % CODES.len()];
                rest /= CODES.len();
            }
            authenticate[OURS] = ours;
            scripts.push(Script {
                service: stack.service.clone(),
                authenticate,
                setcred: vec![0; STAND_INS],
            });
        }
    }
    scripts
}

/// What libpam really did with a stack.
#[derive(Debug, PartialEq, Eq)]
struct Truth {
    /// A login got in without our factor.
    is_bypassed: bool,
    /// None got in with it and a right password.
    is_closed: bool,
    /// One got in with our factor and a wrong password.
    takes_wrong_password: bool,
}

fn truth(stack: &Stack, scripts: &[Script], logins: &[Login]) -> Truth {
    let all = || scripts.iter().zip(logins);
    let is_in = |login: &Login| login.authenticate.code == 0;
    let granted = |script: &Script, login: &Login| {
        script.authenticate[OURS] == 0 && login.authenticate.called.contains(&OURS)
    };
    // Nothing that may check a password has accepted one.
    let is_wrong = |script: &Script| {
        let answers = stack.modules.iter().zip(&script.authenticate);
        let mut of_factors = answers.filter(|(name, _)| **name != "pam_access.so");
        of_factors.all(|(_, code)| [7, 9].contains(code))
    };
    Truth {
        is_bypassed: all().any(|(script, login)| is_in(login) && !granted(script, login)),
        is_closed: !all().any(|(script, login)| {
            script.authenticate[OURS] == 0 && is_in(login) && !is_refused(stack, script, login)
        }),
        takes_wrong_password: stack.modules.contains(&"pam_unix.so")
            && all()
                .any(|(script, login)| is_wrong(script) && granted(script, login) && is_in(login)),
    }
}

/// A module has checked the password, and none accepted it.
fn is_refused(stack: &Stack, script: &Script, login: &Login) -> bool {
    let called = login.authenticate.called.iter();
    let of_password = called.filter(|at| stack.modules.get(**at) == Some(&"pam_unix.so"));
    let codes: Vec<_> = of_password.map(|at| script.authenticate[*at]).collect();
    !codes.is_empty() && !codes.contains(&0)
}

fn said(checks: &[Value], service: &str) -> Truth {
    let name = format!("pam {service}");
    let named = checks.iter().filter(|check| check["name"] == *name);
    let text: String = named
        .map(|check| format!("{}\n", check["message"]))
        .collect();
    assert!(!text.is_empty(), "{service}: doctor says nothing");
    Truth {
        is_bypassed: text.contains("succeeds without the second factor"),
        is_closed: text.contains("no login succeeds"),
        takes_wrong_password: text.contains("a wrong password is accepted"),
    }
}

#[test]
fn no_login_contradicts_what_doctor_says_of_a_stack_and_each_problem_is_shown_by_one() {
    let system = System::new(true);
    let mut numbers = Numbers::new(20_261_128);
    let stacks: Vec<_> = (0..rounds(60))
        .map(|round| stack(&mut numbers, &system, &format!("s{round}")))
        .collect();
    let sim = enrolled();
    let folder = system.libpam();
    let (_, answer) = run_json(&sim, &["doctor", "--pam-dir", path(&folder)], "");
    let checks = answer["checks"].as_array().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    check_rows(&stacks, |stack| {
        let scripts = scripts(stack);
        let logins = system.log_in(&scripts);
        let truth = truth(stack, &scripts, &logins);
        let said = said(checks, &stack.service);
        kinds.insert((
            truth.is_bypassed,
            truth.is_closed,
            truth.takes_wrong_password,
        ));
        assert_eq!(said, truth, "{}", stack.text);
    });
    assert!(kinds.len() >= 5, "{kinds:?}");
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}
