//! Every possible end of a stack. States of libpam that were met before are not followed again, so
//! that any number of unknown modules can be tried.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::{checks_password, is_about_user};
use super::is_ours;
use crate::commands::stack::{Code, Handler, Machine, Mode};

/// One possible end of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) is_success: bool,
    /// How often our module was called; 2 means twice or more.
    pub(super) asked: u8,
    /// The line that was called last, of those before our line where there are some.
    pub(super) last: Option<usize>,
    /// A line has checked the password, and none accepted it.
    pub(super) is_wrong: bool,
    /// A line has accepted the password.
    is_right: bool,
    /// A line may have left a password to those after it.
    has_password: bool,
}

/// What was answered so far about each condition, by the line that names it first.
type Met = BTreeMap<usize, Option<Code>>;

/// Returns the first of the lines that test the same condition of the user as the line at `at`,
/// where there are several: all of them are met, or none.
fn twin(list: &[Handler], at: usize) -> Option<usize> {
    let module = list.get(at).filter(|line| is_about_user(line))?.module()?;
    let is_same = |(other, line): &(usize, &Handler)| {
        line.module().is_some_and(|line| {
            line.name == module.name && line.arguments == module.arguments && *other != at
        })
    };
    let (other, _) = list.iter().enumerate().find(is_same)?;
    Some(other.min(at))
}

/// Returns all ends of a stack; `answers` gives the codes that a line can answer. Its second
/// argument is whether an earlier line may have left a password, which `leaves_password` decides.
pub(super) fn ends(
    list: &[Handler],
    answers: impl Fn(&Handler, bool) -> Vec<Code>,
    leaves_password: impl Fn(&Handler) -> bool,
) -> BTreeSet<End> {
    let start = End {
        is_success: false,
        asked: 0,
        last: None,
        is_wrong: false,
        is_right: false,
        has_password: false,
    };
    let ours = list.iter().position(is_ours).unwrap_or(list.len());
    let mut open = vec![(Machine::new(), start, Met::new())];
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some((mut machine, so_far, met)) = open.pop() {
        let next = machine.next(list);
        if !seen.insert((machine.clone(), so_far, met.clone())) {
            continue;
        }
        let Some((at, line)) = next.and_then(|at| Some((at, list.get(at)?))) else {
            let is_success = machine.result() == Code::SUCCESS;
            found.insert(End {
                is_success,
                ..so_far
            });
            continue;
        };
        let after = End {
            asked: (so_far.asked + u8::from(is_ours(line))).min(2),
            last: so_far.last.filter(|_| at >= ours).or(Some(at)),
            has_password: so_far.has_password || leaves_password(line),
            ..so_far
        };
        let is_check = checks_password(line, so_far.has_password);
        let twin = twin(list, at);
        for code in answers(line, so_far.has_password) {
            // All refusals are one.
            let known = [Code::SUCCESS, Code::IGNORE];
            let answer = known.contains(&code).then_some(code);
            let mut met = met.clone();
            if twin.is_some_and(|twin| *met.entry(twin).or_insert(answer) != answer) {
                continue;
            }
            let mut machine = machine.clone();
            machine.answer(list, Mode::Authenticate, code, code);
            machine.forget_codes();
            let is_right = after.is_right || is_check && code == Code::SUCCESS;
            let after = End {
                is_right,
                is_wrong: !is_right && (after.is_wrong || is_check),
                ..after
            };
            open.push((machine, after, met));
        }
    }
    found
}
