//! What libpam answers for a stack when the answer of each module is known. Pure; a test compares
//! it with the real libpam on random stacks.
//!
//! Sources: pam.conf(5) and libpam's dispatcher. A stack begins undecided. It stays so when all its
//! `required` modules answer `ignore`, and an undecided stack denies.

use super::control::{Action, Code, IGNORE, PERM_DENIED, SUCCESS};
use super::{Module, StackLine};

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

/// Returns the answer of the stack; `ask` returns the answer of each module that is called.
pub(crate) fn evaluate(stack: &[StackLine], ask: &mut dyn FnMut(&Module) -> Code) -> Code {
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

fn walk(stack: &[StackLine], ask: &mut dyn FnMut(&Module) -> Code, state: &mut State) {
    let before = *state;
    let mut next = 0;
    while let Some(line) = stack.get(next) {
        next += 1;
        let (control, module) = match line {
            StackLine::Module(control, module) => (control, module),
            StackLine::Substack(inner) => {
                walk(inner, ask, state);
                continue;
            }
        };
        let code = ask(module);
        match control.action(code) {
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
            Some(Action::Jump(count)) if next + count <= stack.len() => next += count,
            // The jump leads past the end of the stack.
            Some(Action::Jump(_)) => {
                next = stack.len();
                state.fail();
            }
            // The field has no action for this answer.
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
    use std::collections::BTreeMap;
    use std::path::Path;

    use pam_authy::pam_app::{Style, Transaction, write_stack};

    use super::super::control::{ANSWERS, AUTH_ERR};
    use super::super::parse::{parse, read};
    use super::*;

    /// Random numbers that are the same in each run.
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

    const WORDS: [&str; 6] = [
        "required",
        "requisite",
        "sufficient",
        "optional",
        "Required",
        "SUFFICIENT",
    ];
    const ACTIONS: [&str; 10] = [
        "ignore", "bad", "die", "ok", "done", "reset", "1", "2", "3", "7",
    ];
    /// Answers of our module and of others.
    const CODES: [Code; 11] = [
        SUCCESS,
        SUCCESS,
        AUTH_ERR,
        IGNORE,
        "maxtries",
        "user_unknown",
        "perm_denied",
        "authinfo_unavail",
        "service_err",
        "conv_err",
        "new_authtok_reqd",
    ];

    /// A word, or a field of up to five pairs.
    fn random_control(numbers: &mut Numbers) -> String {
        if numbers.below(2) == 0 {
            return numbers.pick(&WORDS).to_owned();
        }
        let pairs: Vec<_> = (0..=numbers.below(5))
            .map(|_| {
                let answer = match numbers.below(3) {
                    0 => "default",
                    1 => numbers.pick(&CODES),
                    _ => numbers.pick(&ANSWERS),
                };
                let equals = numbers.pick(&["=", "=", "=", " = "]);
                format!("{answer}{equals}{}", numbers.pick(&ACTIONS))
            })
            .collect();
        format!("[{}]", pairs.join(" "))
    }

    /// Writes `name` and what it includes into `folder`: modules of fixed answer, pam_permit.so,
    /// pam_deny.so, includes and substacks.
    fn random_file(numbers: &mut Numbers, folder: &Path, name: &str, depth: usize) {
        let mut lines = Vec::new();
        for number in 0..=numbers.below(6) {
            let control = random_control(numbers);
            lines.push(match numbers.below(10) {
                0 | 1 if depth < 3 => {
                    let inner = format!("{name}-{number}");
                    random_file(numbers, folder, &inner, depth + 1);
                    let kind = numbers.pick(&["include", "substack"]);
                    // libpam looks for a relative name in /etc/pam.d, even when it was given
                    // another folder.
                    format!("auth {kind} {}/{inner}", folder.display())
                }
                2 => format!("auth {control} pam_permit.so"),
                3 => format!("auth {control} pam_deny.so"),
                _ => format!("auth {control} pam_debug.so auth={}", numbers.pick(&CODES)),
            });
        }
        write_stack(folder, name, &lines).unwrap();
    }

    fn answer(module: &Module) -> Code {
        match module.name.as_str() {
            "pam_permit.so" => SUCCESS,
            "pam_deny.so" => AUTH_ERR,
            _ => CODES
                .into_iter()
                .find(|code| module.has(&format!("auth={code}")))
                .unwrap(),
        }
    }

    #[test]
    fn libpam_itself_gives_the_same_answers() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = Numbers(20_261_124);
        let mut seen = BTreeMap::new();
        for round in 0..4000 {
            let service = format!("s{round}");
            random_file(&mut numbers, folder.path(), &service, 0);
            let mut silent = |_: Style, _: &str| None;
            let mut pam = Transaction::start(&service, "root", folder.path(), &mut silent).unwrap();
            let real = pam.authenticate().name().replace("PAM_", "").to_lowercase();
            let stack = read(folder.path(), &service).unwrap();
            let computed = evaluate(&stack, &mut answer);
            let file = std::fs::read_to_string(folder.path().join(&service)).unwrap();
            assert_eq!(computed, real, "{service}:\n{file}");
            *seen.entry(real).or_insert(0) += 1;
        }
        assert!(seen[SUCCESS] > 400 && seen.len() > 6, "{seen:?}");
    }

    #[test]
    fn a_stack_in_which_everything_is_ignored_denies() {
        let answer_of = |text: &str| {
            let stack = parse(Path::new("/"), Path::new("stack"), text, 0).unwrap();
            evaluate(&stack, &mut |module| {
                if module.is_ours() { IGNORE } else { SUCCESS }
            })
        };
        let ours = "auth required pam_authy.so\n";
        assert_eq!(answer_of(ours), PERM_DENIED);
        let permit = format!("{ours}auth required pam_permit.so\n");
        assert_eq!(answer_of(&permit), SUCCESS);
    }
}
