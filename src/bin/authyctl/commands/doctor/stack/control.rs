//! Control fields of a stack, such as `required` and `[success=1 default=ignore]`, as pam.conf(5)
//! describes them. `evaluate` compares the result with the real libpam in a test.

use std::collections::BTreeMap;

/// The answer of a module or a stack, as control fields name it: `success`, `auth_err`, `ignore`, …
pub(crate) type Code = &'static str;

pub(crate) const SUCCESS: Code = "success";
pub(crate) const IGNORE: Code = "ignore";
pub(crate) const AUTH_ERR: Code = "auth_err";
pub(crate) const PERM_DENIED: Code = "perm_denied";

/// The answers that a control field can name, besides `default`.
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

/// What libpam does after the answer of a module.
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

/// A control field: an action for each answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Control {
    /// The field as it is written.
    pub(crate) text: String,
    actions: BTreeMap<String, Action>,
    default: Option<Action>,
}

impl Control {
    /// Parses a word or a field in brackets; returns `None` when libpam would not accept it.
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
                // libpam gives this action to the answers that have none yet, so a second `default`
                // has no effect.
                control.default.get_or_insert(action);
            } else if ANSWERS.contains(&answer) {
                control.actions.insert(answer.to_owned(), action);
            } else {
                return None;
            }
        }
        Some(control)
    }

    /// Returns the action for an answer, if the field says any.
    pub(crate) fn action(&self, code: Code) -> Option<Action> {
        self.actions.get(code).copied().or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_control_field_is_refused() {
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
