//! The control field of a line, such as `required` and `[success=1 default=ignore]`: one action for
//! each code that a module can answer.
//!
//! Source: `_pam_parse_control` of libpam, which pam.conf(5) describes; a test compares both.

/// The answer of a module or a stack, by its number in `_pam_types.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Code(pub(crate) u8);

impl Code {
    pub(crate) const SUCCESS: Self = Self(0);
    pub(crate) const PERM_DENIED: Self = Self(6);
    pub(crate) const AUTH_ERR: Self = Self(7);
    pub(crate) const NEW_AUTHTOK_REQD: Self = Self(12);
    pub(crate) const CRED_ERR: Self = Self(17);
    pub(crate) const IGNORE: Self = Self(25);
    pub(crate) const MODULE_UNKNOWN: Self = Self(28);

    /// Returns every code but `incomplete`, which suspends a login and answers nothing.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..31).map(Self)
    }

    /// Returns the name in a control field.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("unknown")
    }
}

/// The names of the codes in a control field, in the order of their numbers.
const NAMES: [&str; 32] = [
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Action {
    Ignore,
    Ok,
    Done,
    Bad,
    Die,
    Reset,
    /// Skips this number of lines.
    Jump(usize),
}

/// The names of the actions, in the order in which libpam looks for them.
const ACTIONS: [(&str, Action); 6] = [
    ("ignore", Action::Ignore),
    ("ok", Action::Ok),
    ("done", Action::Done),
    ("bad", Action::Bad),
    ("die", Action::Die),
    ("reset", Action::Reset),
];

/// One action for each code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actions([Action; 32]);

impl Actions {
    /// Parses a control field as libpam tokenises it: a word, or what was in the brackets. A field
    /// that libpam does not understand makes every answer `bad`, success too; it says so in the log
    /// and calls the module all the same.
    pub(crate) fn parse(field: &[u8]) -> Self {
        let word = match field.to_ascii_lowercase().as_slice() {
            b"required" => b"success=ok new_authtok_reqd=ok ignore=ignore default=bad".as_slice(),
            b"requisite" => b"success=ok new_authtok_reqd=ok ignore=ignore default=die",
            b"sufficient" => b"success=done new_authtok_reqd=done default=ignore",
            b"optional" => b"success=ok new_authtok_reqd=ok default=ignore",
            _ => field,
        };
        Self::parse_pairs(word).unwrap_or_else(Self::all_bad)
    }

    /// Every answer is `bad`.
    pub(crate) fn all_bad() -> Self {
        Self([Action::Bad; 32])
    }

    /// Builds the actions from a function of the code.
    pub(crate) fn from_fn(action: impl Fn(Code) -> Action) -> Self {
        let mut number = 0;
        Self([(); 32].map(|()| {
            let code = Code(number);
            number += 1;
            action(code)
        }))
    }

    /// Returns the action for a code.
    pub(crate) fn of(&self, code: Code) -> Action {
        self.0
            .get(usize::from(code.0))
            .copied()
            .unwrap_or(Action::Bad)
    }

    /// Returns the shortest field in brackets with these actions.
    pub(crate) fn text(&self) -> String {
        let mut counts: Vec<(usize, Action)> = Vec::new();
        for action in &self.0 {
            match counts.iter_mut().find(|(_, counted)| counted == action) {
                Some((count, _)) => *count += 1,
                None => counts.push((1, *action)),
            }
        }
        // The last of those that occur most often, so that `default` is rarely the one of success.
        let default = counts.iter().max_by_key(|(count, _)| *count);
        let default = default.map_or(Action::Bad, |(_, action)| *action);
        let mut pairs: Vec<String> = Code::all()
            .chain([Code(31)])
            .filter(|code| self.of(*code) != default)
            .map(|code| format!("{}={}", code.name(), name(self.of(code))))
            .collect();
        pairs.push(format!("default={}", name(default)));
        format!("[{}]", pairs.join(" "))
    }

    fn parse_pairs(field: &[u8]) -> Option<Self> {
        let mut actions = [None; 32];
        let mut rest = trim(field);
        while !rest.is_empty() {
            let names = NAMES.iter().chain([&"default"]);
            let index = names
                .clone()
                .position(|name| rest.starts_with(name.as_bytes()))?;
            let length = names.clone().nth(index)?.len();
            rest = trim(trim(rest.get(length..)?).strip_prefix(b"=")?);
            let (action, after) = parse_action(rest)?;
            match actions.get_mut(index) {
                Some(slot) => *slot = Some(action),
                // libpam gives the action of `default` to the codes that have none yet.
                None => actions
                    .iter_mut()
                    .for_each(|slot| *slot = slot.or(Some(action))),
            }
            rest = trim(after);
        }
        Some(Self(actions.map(|action| action.unwrap_or(Action::Bad))))
    }
}

fn parse_action(text: &[u8]) -> Option<(Action, &[u8])> {
    for (name, action) in ACTIONS {
        if let Some(rest) = text.strip_prefix(name.as_bytes()) {
            return Some((action, rest));
        }
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let number = number.iter().fold(0_usize, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'))
    });
    (number > 0).then_some((Action::Jump(number), rest))
}

/// Removes white space, as isspace(3) knows it, from the front.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, rest @ ..] = text {
        text = rest;
    }
    text
}

/// Returns an action as a control field names it.
fn name(action: Action) -> String {
    match action {
        Action::Jump(count) => count.to_string(),
        _ => ACTIONS
            .iter()
            .find(|(_, known)| *known == action)
            .map_or_else(String::new, |(name, _)| (*name).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_libpam_does_not_understand_makes_every_answer_bad() {
        for field in [
            "",
            "requird",
            "success",
            "success=0",
            "success=x",
            "succes=ok default=bad",
            "success=ok = bad",
            "success=okay",
        ] {
            assert_eq!(
                Actions::parse(field.as_bytes()),
                Actions::all_bad(),
                "{field}"
            );
        }
    }

    #[test]
    fn the_first_default_counts_and_names_win_over_it() {
        let actions = Actions::parse(b"default=die success=ok default=bad auth_err = 12");
        assert_eq!(actions.of(Code::SUCCESS), Action::Ok);
        assert_eq!(actions.of(Code::AUTH_ERR), Action::Jump(12));
        assert_eq!(actions.of(Code::IGNORE), Action::Die);
    }

    #[test]
    fn the_text_of_actions_has_the_same_actions() {
        for field in [
            "required",
            "requisite",
            "Sufficient",
            "optional",
            "success=3 default=ignore",
            "success=ok user_unknown=reset ignore=ignore default=die",
        ] {
            let actions = Actions::parse(field.as_bytes());
            let text = actions.text();
            let inside = text.strip_prefix('[').unwrap().strip_suffix(']').unwrap();
            assert_eq!(
                Actions::parse(inside.as_bytes()),
                actions,
                "{field}: {text}"
            );
        }
        assert_eq!(
            Actions::parse(b"success=3 default=ignore").text(),
            "[success=3 default=ignore]"
        );
    }
}
