//! The account and session lines of a service: whether libpam lets anyone past them. Our module is not
//! in them, but `pam enable` must not be the moment in which such a fault is found.

use super::outcomes::ends;
use crate::commands::doctor::Finding;
use crate::commands::stack::{Code, Files, Handler, fixed_answer, read_type};

/// Returns a problem for each of the two types that no login gets past, whatever its modules answer.
pub(crate) fn other_types(files: &Files, service: &str) -> Vec<Finding> {
    let Some(path) = files.of_service(service) else {
        return Vec::new();
    };
    let fault = |kind: &str| {
        let why = match read_type(files, &path, kind) {
            Ok(lines) => shut(&lines)?,
            Err(why) => why,
        };
        let message = format!("{service}: no login gets past the {kind} lines: {why}");
        let hint =
            format!("correct the line: password and code are right, and {service} ends there");
        Some(Finding::problem(&format!("pam {service}"), message).hint(hint))
    };
    ["account", "session"]
        .into_iter()
        .filter_map(fault)
        .collect()
}

/// The first line that cannot succeed, where no login gets past all of them.
fn shut(lines: &[Handler]) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let ends = ends(lines, |line, _| answers(line), |_| false);
    if ends.iter().any(|end| end.is_success) {
        return None;
    }
    let faults = lines.iter().filter_map(|line| {
        let is_deny = line
            .module()
            .is_some_and(|module| module.name == "pam_deny.so");
        let why = line
            .fault()
            .or(is_deny.then(|| "it always refuses".to_owned()));
        Some(format!("{}: {}", line.place, why?))
    });
    Some(
        faults
            .into_iter()
            .next()
            .unwrap_or_else(|| "no line succeeds".to_owned()),
    )
}

/// What a line may answer. Nothing is known of most modules here.
fn answers(line: &Handler) -> Vec<Code> {
    if line.module().is_some_and(|module| module.is_missing) {
        return vec![Code::MODULE_UNKNOWN];
    }
    match fixed_answer(line) {
        Some((code, _)) => vec![code],
        None => Code::all().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is said of a stack with these lines after its auth part.
    fn said(lines: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("sudo"),
            format!("auth required pam_permit.so\n{lines}"),
        )
        .unwrap();
        let files = Files::folder(folder.path());
        let found = other_types(&files, "sudo");
        found.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn lines_that_no_login_gets_past_are_named() {
        let open = [
            "",
            "account required pam_unix.so\nsession required pam_unix.so\n",
            "account [success=1 default=ignore] pam_unix.so\naccount requisite pam_deny.so\naccount required pam_permit.so\n",
            "account optional pam_no_such.so\naccount required pam_permit.so\n",
            "session optional pam_no_such.so\nsession required pam_unix.so\n",
        ];
        for lines in open {
            assert_eq!(said(lines), [""; 0], "{lines}");
        }
        let shut = [
            (
                "account required pam_no_such.so\n",
                "account lines: ",
                "there is no module pam_no_such.so",
            ),
            (
                "account required pam_deny.so\n",
                "account lines: ",
                "it always refuses",
            ),
            (
                "session required pam_no_such.so\n",
                "session lines: ",
                "there is no module",
            ),
            ("account\n", "account lines: ", "sudo:2: "),
        ];
        for (lines, kind, why) in shut {
            let said = said(lines);
            assert!(
                said.len() == 1 && said[0].contains(kind) && said[0].contains(why),
                "{lines}: {said:?}"
            );
        }
    }
}
