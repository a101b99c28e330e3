//! The text of a stack with our lines in it, and without them again. Pure: reads and writes no
//! file.
//!
//! Our lines are between two marks, and a line that they replace stays as a comment with a mark of
//! its own. So removing ours restores every byte, and keeps what others changed in the meantime.

use crate::commands::doctor::Factors;

const BEGIN: &str = "# pam_authy begin: `authyctl pam disable` removes these lines";
const END: &str = "# pam_authy end";
const MARKS_BROKEN: &str = "the marks around our lines do not match";
/// The prefix of a line that ours replace; `disable` restores the line.
const WAS: &str = "#pam_authy was# ";

/// What a stack asks for before the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstFactor {
    /// The password, as the stack did before.
    Password,
    /// Nothing, since sshd has checked a key.
    Key,
}

/// Whether the text has lines of ours.
pub(super) fn is_marked(text: &str) -> bool {
    text.lines()
        .any(|line| line == BEGIN || line.starts_with(WAS))
}

/// Answers questions about a stack whose includes are in other files.
pub(super) struct StackInspector<'a> {
    /// Returns the modules that ask for a password in some lines and in the files that they
    /// include.
    pub(super) factors: &'a dyn Fn(&str) -> Result<Factors, String>,
    /// Whether a whole stack requires password and second factor, and ends at a wrong password.
    pub(super) is_sound: &'a dyn Fn(&str) -> bool,
}

/// Adds our lines: after those that ask for a password, where the stack is then sound; else in
/// their place.
///
/// # Errors
/// Why this stack has to be edited by hand.
pub(super) fn enable(
    text: &str,
    first: FirstFactor,
    inspector: &StackInspector<'_>,
) -> Result<String, String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (asking, modules) = password_lines(&lines, inspector)?;
    let (Some(head), Some(tail)) = (asking.first(), asking.last()) else {
        return Err("no line of this stack asks for a password".to_owned());
    };
    if first == FirstFactor::Password {
        let (before, after) = lines.split_at(tail + 1);
        let new = format!("{}{}{}", before.concat(), block(&[]), after.concat());
        if (inspector.is_sound)(&new) {
            return Ok(new);
        }
    }
    let replacement = match first {
        FirstFactor::Password => ask_again(&modules)?,
        FirstFactor::Key => Vec::new(),
    };
    let (before, after) = lines.split_at(*head);
    let after: String = after
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let mark = if asking.contains(&(head + at)) {
                WAS
            } else {
                ""
            };
            format!("{mark}{line}")
        })
        .collect();
    Ok(format!("{}{}{after}", before.concat(), block(&replacement)))
}

/// Removes our lines, and restores those that they replaced.
///
/// # Errors
/// A mark has no partner, since our lines were edited.
pub(super) fn disable(text: &str) -> Result<String, String> {
    let mut new = String::new();
    let mut is_inside = false;
    for line in text.split_inclusive('\n') {
        match line.trim_end() {
            BEGIN if !is_inside => is_inside = true,
            END if is_inside => is_inside = false,
            BEGIN | END => return Err(MARKS_BROKEN.to_owned()),
            _ if is_inside => {}
            _ => new.push_str(line.strip_prefix(WAS).unwrap_or(line)),
        }
    }
    if is_inside {
        return Err(MARKS_BROKEN.to_owned());
    }
    Ok(new)
}

/// Returns the indices of the lines that ask for a password, and the modules that do.
///
/// # Errors
/// The stack has our module already, an include cannot be read, or one of the lines is not
/// complete.
fn password_lines(
    lines: &[&str],
    inspector: &StackInspector<'_>,
) -> Result<(Vec<usize>, Vec<String>), String> {
    let mut asking = Vec::new();
    let mut modules = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let factors = (inspector.factors)(line)?;
        if factors.has_ours {
            return Err("this stack has pam_authy.so already".to_owned());
        }
        if factors.modules.is_empty() {
            continue;
        }
        asking.push(at);
        modules.extend(factors.modules);
    }
    let incomplete = asking
        .iter()
        .filter_map(|at| lines.get(*at))
        .any(|line| !is_complete(line));
    if incomplete {
        let why = "a line that asks for a password continues on the next one, or has no newline";
        return Err(why.to_owned());
    }
    Ok((asking, modules))
}

/// Whether a line has its newline, and does not continue on the next line.
fn is_complete(line: &str) -> bool {
    line.ends_with('\n') && !line.trim_end().ends_with('\\')
}

/// Returns lines that ask for the password in the same modules, and end the stack when it is wrong.
///
/// # Errors
/// One of the modules is not known well enough.
fn ask_again(modules: &[String]) -> Result<Vec<String>, String> {
    let mut distinct: Vec<&str> = Vec::new();
    for module in modules {
        if !["pam_unix.so", "pam_sss.so"].contains(&module.as_str()) {
            return Err(format!(
                "{module} asks for the password here: edit this stack by hand"
            ));
        }
        if !distinct.contains(&module.as_str()) {
            distinct.push(module);
        }
    }
    if distinct == ["pam_unix.so"] {
        return Ok(vec!["auth  requisite  pam_unix.so".to_owned()]);
    }
    let count = distinct.len();
    let mut lines: Vec<String> = distinct
        .iter()
        .enumerate()
        .map(|(at, module)| {
            let argument = if at == 0 { "" } else { " use_first_pass" };
            format!(
                "auth  [success={} default=ignore]  {module}{argument}",
                count - at
            )
        })
        .collect();
    lines.push("auth  requisite  pam_deny.so".to_owned());
    Ok(lines)
}

/// Returns our lines between their marks, `first` before them.
fn block(first: &[String]) -> String {
    let mut block = format!("{BEGIN}\n");
    for line in first {
        block.push_str(line);
        block.push('\n');
    }
    block.push_str("auth  required   pam_authy.so\nauth  required   pam_permit.so\n");
    block.push_str(END);
    block.push('\n');
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the lines of these tests ask for.
    fn factors(line: &str) -> Result<Factors, String> {
        let modules: &[&str] = match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["@include", "common-auth"] | ["auth", _, "pam_unix.so", ..] => &["pam_unix.so"],
            ["auth", "substack", "password-auth"] => &["pam_unix.so", "pam_sss.so"],
            ["auth", _, "pam_ldap.so"] => &["pam_ldap.so"],
            _ => &[],
        };
        Ok(Factors {
            modules: modules.iter().map(|name| (*name).to_owned()).collect(),
            has_ours: line.contains("pam_authy.so"),
        })
    }

    fn inspector() -> StackInspector<'static> {
        StackInspector {
            factors: &factors,
            is_sound: &|text| text.contains("@include common-auth"),
        }
    }

    const DEBIAN: &str = "# sshd\n@include common-auth\n\naccount required pam_nologin.so\n@include common-account\n";
    const FEDORA: &str = "#%PAM-1.0\nauth       substack     password-auth\nauth       include      postlogin\naccount    required     pam_sepermit.so\n";

    #[test]
    fn our_lines_follow_those_that_end_at_a_wrong_password() {
        let new = enable(DEBIAN, FirstFactor::Password, &inspector()).unwrap();
        assert_eq!(
            new,
            format!(
                "# sshd\n@include common-auth\n{BEGIN}\nauth  required   pam_authy.so\nauth  required   pam_permit.so\n{END}\n\naccount required pam_nologin.so\n@include common-account\n"
            )
        );
    }

    #[test]
    fn a_substack_that_does_not_end_at_a_wrong_password_is_replaced() {
        let new = enable(FEDORA, FirstFactor::Password, &inspector()).unwrap();
        assert!(
            new.contains(&format!(
                "{END}\n{WAS}auth       substack     password-auth\nauth       include"
            )),
            "{new}"
        );
        assert!(new.contains("auth  [success=2 default=ignore]  pam_unix.so\nauth  [success=1 default=ignore]  pam_sss.so use_first_pass\nauth  requisite  pam_deny.so\nauth  required   pam_authy.so\n"), "{new}");
    }

    #[test]
    fn with_a_key_no_password_is_asked_for() {
        let new = enable(DEBIAN, FirstFactor::Key, &inspector()).unwrap();
        assert!(
            new.starts_with(&format!("# sshd\n{BEGIN}\nauth  required   pam_authy.so\n")),
            "{new}"
        );
        assert!(
            new.contains(&format!("{WAS}@include common-auth\n")),
            "{new}"
        );
    }

    #[test]
    fn removing_our_lines_restores_every_byte() {
        for text in [
            DEBIAN,
            FEDORA,
            "auth required pam_unix.so\nauth optional pam_cap.so",
        ] {
            for first in [FirstFactor::Password, FirstFactor::Key] {
                let new = enable(text, first, &inspector()).unwrap();
                assert!(is_marked(&new) && !is_marked(text));
                assert_eq!(disable(&new).unwrap(), text);
            }
        }
    }

    #[test]
    fn changes_of_others_in_the_meantime_stay() {
        let new = enable(FEDORA, FirstFactor::Password, &inspector()).unwrap();
        let edited = new.replace("account ", "session optional pam_echo.so\naccount ");
        assert_eq!(
            disable(&edited).unwrap(),
            FEDORA.replace("account ", "session optional pam_echo.so\naccount ")
        );
    }

    #[test]
    fn a_stack_that_is_not_understood_is_not_edited() {
        for (text, why) in [
            ("auth required pam_ldap.so\n", "pam_ldap.so"),
            ("auth required pam_env.so\n", "no line"),
            ("auth required pam_unix.so \\\n nullok\n", "continues"),
            ("auth required pam_unix.so", "no newline"),
            (
                "@include common-auth\nauth required pam_authy.so\n",
                "already",
            ),
        ] {
            let error = enable(text, FirstFactor::Password, &inspector()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn broken_marks_are_noticed() {
        let new = enable(DEBIAN, FirstFactor::Password, &inspector()).unwrap();
        assert!(disable(&new.replace(END, "")).is_err());
        assert!(disable(&new.replace(BEGIN, "")).is_err());
    }
}
