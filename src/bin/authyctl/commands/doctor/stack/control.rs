//! Control fields of a stack: `required`, `[success=1 default=ignore]` and their like, after pam.conf(5).

use std::collections::BTreeMap;

/// A module's answer, or a stack's, as the control field names it: `success`, `auth_err`, `ignore`, …
pub(crate) type Code = &'static str;

pub(crate) const SUCCESS: Code = "success";
pub(crate) const IGNORE: Code = "ignore";
pub(crate) const AUTH_ERR: Code = "auth_err";
pub(crate) const PERM_DENIED: Code = "perm_denied";

/// The answers that a control field can name, beside `default`.
pub(crate) const ANSWERS: [&str; 32] = [
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
];

/// What follows a module's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Ignore,
    Bad,
    Die,
    Ok,
    Done,
    Reset,
    Jump(usize),
}

/// A control field: what follows which answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Control {
    /// As it is written.
    pub(crate) text: String,
    actions: BTreeMap<String, Action>,
    default: Option<Action>,
}

impl Control {
    /// Reads `required`, `[success=1 default=ignore]` and their like; `None` when it is neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bracketed = match text.to_ascii_lowercase().as_str() {
            "required" => "success=ok new_authtok_reqd=ok ignore=ignore default=bad",
            "requisite" => "success=ok new_authtok_reqd=ok ignore=ignore default=die",
            "sufficient" => "success=done new_authtok_reqd=done default=ignore",
            "optional" => "success=ok new_authtok_reqd=ok default=ignore",
            _ => text.strip_prefix('[')?.strip_suffix(']')?,
        };
        let mut control = Self {
            text: text.to_owned(),
            actions: BTreeMap::new(),
            default: None,
        };
        let pairs = bracketed.replace('=', " = ");
        let mut words = pairs.split_whitespace();
        while let Some(answer) = words.next() {
            words.next().filter(|word| *word == "=")?;
            let action = words.next()?;
            let action = match action {
                "ignore" => Action::Ignore,
                "bad" => Action::Bad,
                "die" => Action::Die,
                "ok" => Action::Ok,
                "done" => Action::Done,
                "reset" => Action::Reset,
                number => Action::Jump(number.parse().ok().filter(|jump| *jump > 0)?),
            };
            if answer == "default" {
                // It fills what nothing was said of, so a second one finds nothing to fill.
                control.default.get_or_insert(action);
            } else if ANSWERS.contains(&answer) {
                control.actions.insert(answer.to_owned(), action);
            } else {
                return None;
            }
        }
        Some(control)
    }

    pub(crate) fn after(&self, code: Code) -> Option<Action> {
        self.actions.get(code).copied().or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_field_that_is_none_is_not_taken() {
        for text in [
            "",
            "requird",
            "[success=ok",
            "[success]",
            "[success=0]",
            "[success=x]",
            "[succes=ok default=bad]",
            "[success=ok = bad]",
        ] {
            assert!(Control::parse(text).is_none(), "{text}");
        }
    }
}
