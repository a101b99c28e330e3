//! What libpam makes of a stack when each module's answer is known: pure, and held against the real
//! libpam by a test.
//!
//! Source: pam.conf(5) and libpam's dispatcher. A stack begins undecided; `required` modules that all
//! answer `ignore` leave it so, and undecided means denied.

use std::collections::BTreeMap;

/// A module's answer, or a stack's, as the control field names it: `success`, `auth_err`, `ignore`, …
pub(super) type Code = &'static str;

pub(super) const SUCCESS: Code = "success";
pub(super) const IGNORE: Code = "ignore";
pub(super) const AUTH_ERR: Code = "auth_err";
const PERM_DENIED: Code = "perm_denied";

/// What follows a module's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
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
pub(super) struct Control {
    /// As it is written.
    pub(super) text: String,
    actions: BTreeMap<String, Action>,
    default: Option<Action>,
}

impl Control {
    /// Reads `required`, `[success=1 default=ignore]` and their like; `None` when it is neither.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bracketed = match text {
            "required" => "success=ok new_authtok_reqd=ok ignore=ignore default=bad",
            "requisite" => "success=ok new_authtok_reqd=ok ignore=ignore default=die",
            "sufficient" => "success=done new_authtok_reqd=done default=ignore",
            "optional" => "success=ok new_authtok_reqd=ok default=ignore",
            other => other.strip_prefix('[')?.strip_suffix(']')?,
        };
        let mut control = Self {
            text: text.to_owned(),
            actions: BTreeMap::new(),
            default: None,
        };
        for pair in bracketed.split_whitespace() {
            let (answer, action) = pair.split_once('=')?;
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
                control.default = Some(action);
            } else {
                control.actions.insert(answer.to_owned(), action);
            }
        }
        Some(control)
    }

    fn after(&self, code: Code) -> Option<Action> {
        self.actions.get(code).copied().or(self.default)
    }
}

/// A line of a stack.
#[derive(Debug, Clone)]
pub(super) enum Entry<M> {
    Module(Control, M),
    /// `substack`: what ends inside does not end the rest.
    Substack(Vec<Entry<M>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Impression {
    Undecided,
    Positive,
    Negative,
}

#[derive(Debug, Clone, Copy)]
struct State {
    impression: Impression,
    code: Code,
}

/// The stack's answer when `ask` gives each module's.
pub(super) fn evaluate<M>(stack: &[Entry<M>], ask: &mut dyn FnMut(&M) -> Code) -> Code {
    let mut state = State {
        impression: Impression::Undecided,
        code: PERM_DENIED,
    };
    walk(stack, ask, &mut state);
    if state.code == SUCCESS && state.impression != Impression::Positive {
        return PERM_DENIED;
    }
    state.code
}

fn walk<M>(stack: &[Entry<M>], ask: &mut dyn FnMut(&M) -> Code, state: &mut State) {
    let before = *state;
    let mut at = 0;
    while let Some(entry) = stack.get(at) {
        at += 1;
        let (control, module) = match entry {
            Entry::Module(control, module) => (control, module),
            Entry::Substack(inner) => {
                walk(inner, ask, state);
                continue;
            }
        };
        let code = ask(module);
        match control.after(code) {
            Some(Action::Ignore) => {}
            Some(Action::Reset) => *state = before,
            Some(Action::Ok) => state.accept(code),
            Some(Action::Done) => {
                state.accept(code);
                if state.impression == Impression::Positive {
                    return;
                }
            }
            Some(Action::Bad) => state.refuse(code),
            Some(Action::Die) => {
                state.refuse(code);
                return;
            }
            Some(Action::Jump(count)) if at + count <= stack.len() => at += count,
            // Over the end of the stack, or an answer for which nothing is said.
            Some(Action::Jump(_)) => {
                at = stack.len();
                state.fail();
            }
            None => state.refuse(code),
        }
    }
}

impl State {
    fn accept(&mut self, code: Code) {
        let open = self.impression == Impression::Undecided
            || (self.impression == Impression::Positive && self.code == SUCCESS);
        if open {
            self.impression = Impression::Positive;
            self.code = code;
        }
    }

    fn refuse(&mut self, code: Code) {
        if self.impression != Impression::Negative {
            self.impression = Impression::Negative;
            self.code = if code == IGNORE { PERM_DENIED } else { code };
        }
    }

    fn fail(&mut self) {
        self.impression = Impression::Negative;
        self.code = PERM_DENIED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pam_authy::pam_app::{Style, Transaction, write_stack};

    /// A generator that needs no luck: the same numbers each time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % limit
        }

        fn pick<T: Copy>(&mut self, from: &[T]) -> T {
            from[self.below(from.len())]
        }
    }

    const CONTROLS: [&str; 12] = [
        "required",
        "requisite",
        "sufficient",
        "optional",
        "[success=1 default=ignore]",
        "[success=2 default=die]",
        "[success=ok ignore=ignore default=bad]",
        "[success=done new_authtok_reqd=ok default=bad]",
        "[default=reset]",
        "[success=ok default=1]",
        "[ignore=ok success=reset default=ignore]",
        "[success=ok auth_err=2]",
    ];
    const CODES: [Code; 6] = [
        SUCCESS,
        AUTH_ERR,
        IGNORE,
        "maxtries",
        "user_unknown",
        "perm_denied",
    ];

    fn random_stack(
        numbers: &mut Numbers,
        depth: usize,
    ) -> (Vec<String>, Vec<Entry<Code>>, Vec<Vec<String>>) {
        let (mut lines, mut stack, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=numbers.below(5) {
            if depth == 0 && numbers.below(6) == 0 {
                let (inner_lines, inner, _) = random_stack(numbers, 1);
                // libpam looks into /etc/pam.d for a name, whatever folder it was given.
                lines.push(format!("auth substack FOLDER/inner{}", files.len()));
                files.push(inner_lines);
                stack.push(Entry::Substack(inner));
                continue;
            }
            let (control, code) = (numbers.pick(&CONTROLS), numbers.pick(&CODES));
            lines.push(format!("auth {control} pam_debug.so auth={code}"));
            stack.push(Entry::Module(Control::parse(control).unwrap(), code));
        }
        (lines, stack, files)
    }

    #[test]
    fn libpam_itself_gives_the_same_answers() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = Numbers(20_261_124);
        for round in 0..1500 {
            let (lines, stack, files) = random_stack(&mut numbers, 0);
            for (number, inner) in files.iter().enumerate() {
                write_stack(folder.path(), &format!("inner{number}"), inner).unwrap();
            }
            let service = format!("s{round}");
            let here = folder.path().to_string_lossy();
            let lines: Vec<_> = lines
                .iter()
                .map(|line| line.replace("FOLDER", &here))
                .collect();
            write_stack(folder.path(), &service, &lines).unwrap();
            let mut silent = |_: Style, _: &str| None;
            let mut pam = Transaction::start(&service, "root", folder.path(), &mut silent).unwrap();
            let real = pam
                .authenticate()
                .name()
                .trim_start_matches("PAM_")
                .to_lowercase();
            let ours = evaluate(&stack, &mut |code| code);
            assert_eq!(ours, real, "{lines:#?} {files:#?}");
        }
    }

    #[test]
    fn a_stack_in_which_everything_is_ignored_denies() {
        let required = Control::parse("required").unwrap();
        let stack = [Entry::Module(required.clone(), IGNORE)];
        assert_eq!(evaluate(&stack, &mut |code| code), "perm_denied");
        let permit = [stack[0].clone(), Entry::Module(required, SUCCESS)];
        assert_eq!(evaluate(&permit, &mut |code| code), SUCCESS);
    }

    #[test]
    fn a_control_field_that_is_none_is_not_taken() {
        for text in [
            "",
            "requird",
            "[success=ok",
            "[success]",
            "[success=0]",
            "[success=x]",
        ] {
            assert!(Control::parse(text).is_none(), "{text}");
        }
    }
}
