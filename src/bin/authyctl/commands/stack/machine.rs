//! What libpam does with a list of handlers: which it calls, and what the answers come to.
//!
//! Source: `_pam_dispatch_aux` of libpam. `pam_setcred` follows the codes that `pam_authenticate`
//! met ("frozen chain"), and the answers of its own decide only what it returns.

use super::control::{Action, Code};
use super::read::{Handler, Kind};

/// What libpam thinks of a login so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// No module has counted. A stack that ends so is refused.
    Undecided,
    /// Accepted with a code; only `success` lets the user in.
    Positive(Code),
    Negative(Code),
}

/// How the answers of one call count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `pam_authenticate`.
    Authenticate,
    /// `pam_setcred`, where a jump counts as `ok`: libpam but Debian's.
    SetcredCountsJumps,
    /// `pam_setcred` of Debian and its relatives.
    Setcred,
}

/// libpam in the middle of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Machine {
    /// The handler that is next.
    at: usize,
    state: State,
    /// The state at the beginning of each substack that is open, the whole list first.
    saved: Vec<State>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            at: 0,
            state: State::Undecided,
            saved: vec![State::Undecided],
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Forgets what only the code of a refusal depends on, so that machines that let the same
    /// people in are equal.
    pub(crate) fn forget_codes(&mut self) {
        let forget = |state: &mut State| match state {
            State::Positive(code) if *code != Code::SUCCESS => *code = Code::AUTH_ERR,
            State::Negative(code) => *code = Code::AUTH_ERR,
            State::Positive(_) | State::Undecided => {}
        };
        forget(&mut self.state);
        self.saved.iter_mut().for_each(forget);
    }

    /// Returns the handler that is asked next; `None` at the end of the list.
    pub(crate) fn next(&mut self, list: &[Handler]) -> Option<usize> {
        loop {
            let handler = list.get(self.at)?;
            self.saved.truncate(handler.level + 1);
            while self.saved.len() <= handler.level {
                self.saved.push(self.state);
            }
            if handler.kind != Kind::Substack {
                return Some(self.at);
            }
            self.at += 1;
        }
    }

    /// Goes on after the handler that is next has answered `answer`. `decisive` is the code that
    /// chooses the action: the answer itself, or in `setcred` the one of `authenticate`.
    pub(crate) fn answer(&mut self, list: &[Handler], mode: Mode, decisive: Code, answer: Code) {
        let Some(handler) = list.get(self.at) else {
            return;
        };
        self.at += 1;
        match handler.actions.of(decisive) {
            Action::Ignore => {}
            Action::Ok => self.accept(decisive, answer),
            Action::Done => {
                self.accept(decisive, answer);
                if matches!(self.state, State::Positive(_)) {
                    self.leave(list, handler.level);
                }
            }
            Action::Bad => self.refuse(answer),
            Action::Die => {
                self.refuse(answer);
                self.leave(list, handler.level);
            }
            Action::Reset => {
                self.state = self.saved.last().copied().unwrap_or(State::Undecided);
            }
            Action::Jump(count) => {
                if mode == Mode::SetcredCountsJumps {
                    self.accept(decisive, answer);
                }
                if !self.skip(list, handler.level, count) {
                    self.state = State::Negative(Code::PERM_DENIED);
                }
            }
        }
    }

    /// Returns what the list comes to, once it is at its end.
    pub(crate) fn result(&self) -> Code {
        match self.state {
            State::Positive(code) => code,
            State::Negative(code) if code != Code::SUCCESS => code,
            State::Negative(_) | State::Undecided => Code::PERM_DENIED,
        }
    }

    fn accept(&mut self, decisive: Code, answer: Code) {
        let is_open = matches!(
            self.state,
            State::Undecided | State::Positive(Code::SUCCESS)
        );
        if is_open && (answer != Code::IGNORE || decisive == answer) {
            self.state = State::Positive(answer);
        }
    }

    fn refuse(&mut self, answer: Code) {
        if !matches!(self.state, State::Negative(_)) {
            let ignored = answer == Code::IGNORE;
            self.state = State::Negative(if ignored { Code::PERM_DENIED } else { answer });
        }
    }

    /// Goes to the end of the substack, or of the list.
    fn leave(&mut self, list: &[Handler], level: usize) {
        self.at = target_of_level(list, self.at, level);
    }

    /// Skips lines of the same level, a substack as one; returns whether there were enough.
    fn skip(&mut self, list: &[Handler], level: usize, count: usize) -> bool {
        let (target, is_enough) = target_of_jump(list, self.at, level, count);
        self.at = target;
        is_enough
    }
}

/// Returns the first handler from `at` on that is outside of a level.
pub(crate) fn target_of_level(list: &[Handler], at: usize, level: usize) -> usize {
    let inside = list.iter().skip(at).take_while(|h| h.level >= level);
    at + inside.count()
}

/// Returns where a jump from before `at` leads, and whether there were enough lines to skip.
pub(crate) fn target_of_jump(
    list: &[Handler],
    at: usize,
    level: usize,
    count: usize,
) -> (usize, bool) {
    let mut at = at;
    for _ in 0..count {
        if list.get(at).is_none_or(|handler| handler.level < level) {
            return (at, false);
        }
        at = target_of_level(list, at + 1, level + 1);
    }
    (at, true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use pam_authy::pam_app::{Style, Transaction, write_stack};

    use super::super::files::Files;
    use super::super::known::fixed_answer;
    use super::super::read::{Stack, read};
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
    const ACTIONS: [&str; 11] = [
        "ignore", "bad", "die", "ok", "done", "reset", "1", "2", "3", "7", "0",
    ];
    /// Answers that modules often give.
    const CODES: [&str; 11] = [
        "success",
        "success",
        "auth_err",
        "ignore",
        "maxtries",
        "user_unknown",
        "perm_denied",
        "authinfo_unavail",
        "service_err",
        "conv_err",
        "new_authtok_reqd",
    ];

    /// A word, or a field of up to five pairs, some of which libpam does not understand.
    fn random_control(numbers: &mut Numbers) -> String {
        if numbers.below(2) == 0 {
            return numbers.pick(&WORDS).to_owned();
        }
        let pairs: Vec<_> = (0..=numbers.below(5))
            .map(|_| {
                let answer = match numbers.below(3) {
                    0 => "default",
                    1 => numbers.pick(&CODES),
                    _ => Code(u8::try_from(numbers.below(31)).unwrap()).name(),
                };
                let equals = numbers.pick(&["=", "=", "=", " = ", " =\t"]);
                format!("{answer}{equals}{}", numbers.pick(&ACTIONS))
            })
            .collect();
        let joined = pairs.join(numbers.pick(&[" ", " ", "  ", "", ","]));
        format!("[{joined}]")
    }

    /// Returns a line of a type that libpam does not know, or without a part.
    fn broken_line(numbers: &mut Numbers, control: &str) -> String {
        match numbers.below(4) {
            0 => format!("auht {control} pam_permit.so"),
            1 => format!("auth {control}"),
            2 => format!("auth {control} pam_permit.so\r"),
            _ => "auth".to_owned(),
        }
    }

    /// Writes `name` and what it includes into `folder`: modules of fixed answer, pam_permit.so,
    /// pam_deny.so, missing modules, broken lines, includes and substacks.
    fn random_file(numbers: &mut Numbers, folder: &Path, name: &str, depth: usize) {
        let mut lines = Vec::new();
        for number in 0..=numbers.below(6) {
            let control = random_control(numbers);
            lines.push(match numbers.below(24) {
                0..=4 if depth < 3 => {
                    let inner = format!("{name}-{number}");
                    random_file(numbers, folder, &inner, depth + 1);
                    // libpam looks for a relative name in /etc/pam.d, even when it was given
                    // another folder.
                    let inner = format!("{}/{inner}", folder.display());
                    match numbers.below(5) {
                        0 => format!("@include {inner}"),
                        1 | 2 => format!("auth include {inner}"),
                        _ => format!("auth substack {inner}"),
                    }
                }
                5 | 6 => format!("auth {control} pam_permit.so"),
                7 | 8 => format!("auth {control} pam_deny.so"),
                9 => format!("-auth {control} pam_is_missing.so"),
                10 => broken_line(numbers, &control),
                11 => format!("auth {control} \\\n  # between\n pam_debug.so auth=success"),
                _ => format!("auth {control} pam_debug.so auth={}", numbers.pick(&CODES)),
            });
        }
        write_stack(folder, name, &lines).unwrap();
    }

    /// Whether libpam 1.5.2 crashes where it reads the stack, sooner or later.
    fn crashes(read: &Result<Stack, String>) -> bool {
        const REASONS: [&str; 3] = [
            "it names no file",
            "lead in a circle",
            "is no name of a module",
        ];
        let is_one = |why: &str| REASONS.iter().any(|reason| why.contains(reason));
        match read {
            Ok(stack) => stack
                .handlers
                .iter()
                .any(|handler| matches!(&handler.kind, Kind::Broken(why) if is_one(why))),
            Err(why) => is_one(why),
        }
    }

    /// Puts bytes into a file that libpam may parse in its own manner.
    fn damage(numbers: &mut Numbers, file: &Path) {
        const BYTES: [&[u8]; 18] = [
            b"\0",
            b"\r",
            b"\r\n",
            b"\n",
            b"\\\n",
            b"\\",
            b"#",
            b"[",
            b"]",
            b"\\]",
            b"\t",
            b"\x0b",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"-",
            b" ",
            b"=",
            b"auth",
        ];
        let mut content = std::fs::read(file).unwrap();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(content.len() + 1);
            let bytes = numbers.pick(&BYTES);
            content.splice(at..at, bytes.iter().copied());
        }
        std::fs::write(file, content).unwrap();
    }

    fn answer(handler: &Handler) -> Code {
        if let Some((code, _)) = fixed_answer(handler) {
            return code;
        }
        let module = handler.module().unwrap();
        // A stack is no module, though it is there.
        if module.is_missing || !module.name.ends_with(".so") {
            return Code::MODULE_UNKNOWN;
        }
        let mut arguments = module.arguments.iter();
        arguments
            .find_map(|given| {
                let name = given.strip_prefix("auth=")?;
                (0..32).map(Code).find(|code| code.name() == name)
            })
            .unwrap_or(Code::SUCCESS)
    }

    #[test]
    fn libpam_itself_gives_the_same_answers() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = Numbers(20_261_124);
        let mut seen = BTreeMap::new();
        for round in 0..4000 {
            let service = format!("s{round}");
            random_file(&mut numbers, folder.path(), &service, 0);
            if round % 2 == 1 {
                damage(&mut numbers, &folder.path().join(&service));
            }
            let read = read(&Files::folder(folder.path()), &service);
            if crashes(&read) {
                continue;
            }
            let mut silent = |_: Style, _: &str| None;
            let real = Transaction::start(&service, "root", folder.path(), &mut silent)
                .map_or_else(|code| code, |mut pam| pam.authenticate());
            let real = real.name().replace("PAM_", "").to_lowercase();
            let Ok(stack) = read else {
                let file = std::fs::read(folder.path().join(&service)).unwrap();
                assert!(
                    real == "abort",
                    "{service}: {real}: {}",
                    file.escape_ascii()
                );
                continue;
            };
            let mut machine = Machine::new();
            while let Some(at) = machine.next(&stack.handlers) {
                let code = answer(&stack.handlers[at]);
                machine.answer(&stack.handlers, Mode::Authenticate, code, code);
            }
            let computed = machine.result().name();
            let file = std::fs::read(folder.path().join(&service)).unwrap();
            assert_eq!(computed, real, "{service}: {}", file.escape_ascii());
            *seen.entry(real).or_insert(0) += 1;
        }
        assert!(seen["success"] > 300 && seen.len() > 6, "{seen:?}");
    }
    #[test]
    fn a_stack_in_which_everything_is_ignored_denies() {
        let answer_of = |lines: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
            write_stack(folder.path(), "x", &lines).unwrap();
            let stack = read(&Files::folder(folder.path()), "x").unwrap();
            let mut machine = Machine::new();
            while let Some(at) = machine.next(&stack.handlers) {
                let fixed = fixed_answer(&stack.handlers[at]);
                let code = fixed.map_or(Code::IGNORE, |(code, _)| code);
                machine.answer(&stack.handlers, Mode::Authenticate, code, code);
            }
            machine.result()
        };
        let ours = "auth required pam_authy.so";
        assert_eq!(answer_of(&[ours]), Code::PERM_DENIED);
        assert_eq!(
            answer_of(&[ours, "auth required pam_permit.so"]),
            Code::SUCCESS
        );
    }
}
