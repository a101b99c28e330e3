//! The text of a stack with our lines in it, and without them again. Pure: reads and writes no file.
//!
//! What is put in stands between two marks; a line that had to go stays as a comment with a mark of its
//! own. So taking ours out gives back every byte, and whatever somebody else changed meanwhile stays.

use crate::commands::doctor::Factors;

const BEGIN: &str = "# pam_authy begin: `authyctl pam disable` takes these lines out again";
const END: &str = "# pam_authy end";
/// Before a line that was there, and comes back.
const WAS: &str = "#pam_authy was# ";

/// What a stack is to ask for before the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstFactor {
    /// The password, as the stack asked for it so far.
    Password,
    /// Nothing: sshd has checked a key.
    Key,
}

/// Whether the text holds lines of ours.
pub(super) fn is_marked(text: &str) -> bool {
    text.lines()
        .any(|line| line == BEGIN || line.starts_with(WAS))
}

/// What is known of a stack beyond its text.
pub(super) struct StackInspector<'a> {
    /// Which modules ask for a password behind a line, through includes too.
    pub(super) factors: &'a dyn Fn(&str) -> Result<Factors, String>,
    /// Whether a whole stack asks for password and token, and ends at a wrong password.
    pub(super) is_sound: &'a dyn Fn(&str) -> bool,
}

/// Puts our lines in: behind those that ask for a password, where such a stack is sound; else in their
/// place.
///
/// # Errors
/// Why this stack is better edited by hand.
pub(super) fn enable(
    text: &str,
    first: FirstFactor,
    known: &StackInspector<'_>,
) -> Result<String, String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut carriers = Vec::new();
    let mut modules = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let found = (known.factors)(line)?;
        if found.has_ours {
            return Err("pam_authy.so is in this stack already".to_owned());
        }
        if !found.modules.is_empty() {
            carriers.push((at, *line));
            modules.extend(found.modules);
        }
    }
    let (Some((head, _)), Some((tail, _))) = (carriers.first(), carriers.last()) else {
        return Err("no line of this stack asks for a password".to_owned());
    };
    if !carriers.iter().all(|(_, line)| is_whole(line)) {
        let why = "a line that asks for a password goes on in the next one, or has no end";
        return Err(why.to_owned());
    }
    if first == FirstFactor::Password {
        let (before, after) = lines.split_at(tail + 1);
        let behind = format!("{}{}{}", before.concat(), block(&[]), after.concat());
        if (known.is_sound)(&behind) {
            return Ok(behind);
        }
    }
    let asking = match first {
        FirstFactor::Password => password_lines(&modules)?,
        FirstFactor::Key => Vec::new(),
    };
    let (before, after) = lines.split_at(*head);
    let after = after.iter().enumerate().map(|(at, line)| {
        let goes = carriers.iter().any(|(place, _)| *place == head + at);
        format!("{}{line}", if goes { WAS } else { "" })
    });
    Ok(format!(
        "{}{}{}",
        before.concat(),
        block(&asking),
        after.collect::<String>()
    ))
}

/// Takes our lines out, and gives the others back.
///
/// # Errors
/// A mark has no partner: somebody edited our lines.
pub(super) fn disable(text: &str) -> Result<String, String> {
    let mut new = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        match line.trim_end() {
            BEGIN if !inside => inside = true,
            END if inside => inside = false,
            BEGIN | END => return Err("the marks of our lines are not in pairs".to_owned()),
            _ if inside => {}
            _ => new.push_str(line.strip_prefix(WAS).unwrap_or(line)),
        }
    }
    if inside {
        return Err("the marks of our lines are not in pairs".to_owned());
    }
    Ok(new)
}

/// A line of its own, with its end.
fn is_whole(line: &str) -> bool {
    line.ends_with('\n') && !line.trim_end().ends_with('\\')
}

/// Lines that ask for the password in the same modules and end the stack when it is wrong.
fn password_lines(modules: &[String]) -> Result<Vec<String>, String> {
    let mut known: Vec<&str> = Vec::new();
    for module in modules {
        if !["pam_unix.so", "pam_sss.so"].contains(&module.as_str()) {
            return Err(format!(
                "{module} asks for the password here, and its line is yours to write"
            ));
        }
        if !known.contains(&module.as_str()) {
            known.push(module);
        }
    }
    if known == ["pam_unix.so"] {
        return Ok(vec!["auth  requisite  pam_unix.so".to_owned()]);
    }
    let count = known.len();
    let mut lines: Vec<String> = known
        .iter()
        .enumerate()
        .map(|(at, module)| {
            let again = if at == 0 { "" } else { " use_first_pass" };
            format!(
                "auth  [success={} default=ignore]  {module}{again}",
                count - at
            )
        })
        .collect();
    lines.push("auth  requisite  pam_deny.so".to_owned());
    Ok(lines)
}

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

    /// What the lines of the tests stand for.
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

    fn known() -> StackInspector<'static> {
        StackInspector {
            factors: &factors,
            is_sound: &|text| text.contains("@include common-auth"),
        }
    }

    const DEBIAN: &str = "# sshd\n@include common-auth\n\naccount required pam_nologin.so\n@include common-account\n";
    const FEDORA: &str = "#%PAM-1.0\nauth       substack     password-auth\nauth       include      postlogin\naccount    required     pam_sepermit.so\n";

    #[test]
    fn our_lines_follow_those_that_end_at_a_wrong_password() {
        let new = enable(DEBIAN, FirstFactor::Password, &known()).unwrap();
        assert_eq!(
            new,
            format!(
                "# sshd\n@include common-auth\n{BEGIN}\nauth  required   pam_authy.so\nauth  required   pam_permit.so\n{END}\n\naccount required pam_nologin.so\n@include common-account\n"
            )
        );
    }

    #[test]
    fn a_substack_that_goes_on_is_kept_as_a_comment_and_replaced() {
        let new = enable(FEDORA, FirstFactor::Password, &known()).unwrap();
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
        let new = enable(DEBIAN, FirstFactor::Key, &known()).unwrap();
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
    fn taking_our_lines_out_gives_back_every_byte() {
        for text in [
            DEBIAN,
            FEDORA,
            "auth required pam_unix.so\nauth optional pam_cap.so",
        ] {
            for first in [FirstFactor::Password, FirstFactor::Key] {
                let new = enable(text, first, &known()).unwrap();
                assert!(is_marked(&new) && !is_marked(text));
                assert_eq!(disable(&new).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_others_changed_meanwhile_stays() {
        let new = enable(FEDORA, FirstFactor::Password, &known()).unwrap();
        let edited = new.replace("account ", "session optional pam_echo.so\naccount ");
        assert_eq!(
            disable(&edited).unwrap(),
            FEDORA.replace("account ", "session optional pam_echo.so\naccount ")
        );
    }

    #[test]
    fn a_stack_that_is_not_understood_is_left_to_its_owner() {
        for (text, why) in [
            ("auth required pam_ldap.so\n", "pam_ldap.so"),
            ("auth required pam_env.so\n", "no line"),
            ("auth required pam_unix.so \\\n nullok\n", "goes on"),
            ("auth required pam_unix.so", "no end"),
            (
                "@include common-auth\nauth required pam_authy.so\n",
                "already",
            ),
        ] {
            let error = enable(text, FirstFactor::Password, &known()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn marks_that_somebody_broke_are_noticed() {
        let new = enable(DEBIAN, FirstFactor::Password, &known()).unwrap();
        assert!(disable(&new.replace(END, "")).is_err());
        assert!(disable(&new.replace(BEGIN, "")).is_err());
    }
}
