//! Proves that two stacks, one with our line and one without, let the same people in, apart from
//! our factor.
//!
//! Both run in step, one call after the other, for every code that a module can answer; states that
//! were met before are not explored again, so that the time grows with the length of the stack and
//! not with the number of outcomes. pam_permit.so and pam_deny.so are no calls here: their answers
//! are known and they do nothing else.
//!
//! What is left out on purpose: in `setcred`, a module with a line that ends the stack, when it
//! answers `ignore` there after another answer in `authenticate`. libpam then runs on into lines
//! that `authenticate` did not reach, and no other line makes it do the same.

use std::collections::BTreeSet;

use super::control::{Action, Code};
use super::known::{fixed_answer, is_our_module};
use super::machine::{Machine, Mode, State};
use super::read::{Handler, Place};

/// The largest number of states that are explored, far more than any stack on a real host has.
const STATE_LIMIT: usize = 400_000;

/// What the new stack must keep.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Promise {
    /// `pam_rootok.so` may let root in without our factor.
    pub(crate) root_is_exempt: bool,
}

/// How the stacks differ, and at which line of the old one, where it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) place: Option<Place>,
}

/// Compares the list `old` with `new`, which has our line too.
///
/// # Errors
/// The first difference: a module that is called in one of them alone, a login that succeeds
/// without our factor or no longer succeeds, our line reached by a login that is refused.
pub(crate) fn compare(
    old: &[Handler],
    new: &[Handler],
    promise: Promise,
) -> Result<(), Difference> {
    for mode in [Mode::Setcred, Mode::SetcredCountsJumps] {
        Comparison {
            old,
            new,
            promise,
            mode,
            is_frozen: true,
        }
        .explore()?;
        Comparison {
            old,
            new,
            promise,
            mode,
            is_frozen: false,
        }
        .explore()?;
    }
    Ok(())
}

/// Both calls of one stack: `authenticate` and `setcred`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Login {
    authenticate: Machine,
    setcred: Machine,
}

/// Both stacks after the same calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    old: Login,
    new: Login,
    /// Whether our module let the login go on; `None` as long as it was not called.
    granted: Option<bool>,
    /// The last call was that of a module that may let root in without our factor.
    is_root: bool,
}

struct Comparison<'a> {
    old: &'a [Handler],
    new: &'a [Handler],
    promise: Promise,
    mode: Mode,
    /// `setcred` follows a call of `authenticate`; else the application calls it alone.
    is_frozen: bool,
}

impl Comparison<'_> {
    fn explore(&self) -> Result<(), Difference> {
        let start = Login {
            authenticate: Machine::new(),
            setcred: Machine::new(),
        };
        let mut open = vec![Pair {
            old: start.clone(),
            new: start,
            granted: None,
            is_root: false,
        }];
        let mut seen = BTreeSet::new();
        let mut lets_in = false;
        while let Some(mut pair) = open.pop() {
            let old = self.settle(&mut pair.old, self.old, "old")?;
            let new = self.settle(&mut pair.new, self.new, "new")?;
            if !seen.insert(pair.clone()) {
                continue;
            }
            if seen.len() > STATE_LIMIT {
                return Err(difference("the stack is too long to be compared", old));
            }
            let state = pair.old.authenticate.state();
            lets_in |= old.is_none() && state == State::Positive(Code::SUCCESS);
            open.extend(self.step(pair, old, new)?);
        }
        if lets_in {
            return Ok(());
        }
        let last = self.old.last();
        Err(difference(
            "nobody gets in through this stack as it is",
            last,
        ))
    }

    /// Skips the handlers with known answers; returns the one that is called next.
    fn settle<'b>(
        &self,
        login: &mut Login,
        list: &'b [Handler],
        which: &str,
    ) -> Result<Option<&'b Handler>, Difference> {
        loop {
            let next = login.setcred.next(list);
            if next != login.authenticate.next(list) {
                let place = next.and_then(|at| list.get(at)).filter(|_| which == "old");
                return Err(difference(
                    "setcred would go another way than authenticate",
                    place,
                ));
            }
            let Some(handler) = next.and_then(|at| list.get(at)) else {
                return Ok(None);
            };
            let Some((first, second)) = fixed_answer(handler) else {
                return Ok(Some(handler));
            };
            self.answer(login, list, first, second);
        }
    }

    /// Answers the next handler, in `authenticate` with `first` and in `setcred` with `second`.
    fn answer(&self, login: &mut Login, list: &[Handler], first: Code, second: Code) {
        let first = if self.is_frozen { first } else { second };
        login
            .authenticate
            .answer(list, Mode::Authenticate, first, first);
        login.authenticate.forget_codes();
        login.setcred.answer(list, self.mode, first, second);
        login.setcred.forget_codes();
    }

    /// Returns what can follow after one more call.
    fn step(
        &self,
        pair: Pair,
        old: Option<&Handler>,
        new: Option<&Handler>,
    ) -> Result<Vec<Pair>, Difference> {
        if let Some(handler) = new
            && handler.module().is_some_and(is_our_module)
        {
            return self.ask_us(&pair, old);
        }
        match (old, new) {
            (None, None) => self.check_end(&pair).map(|()| Vec::new()),
            (Some(old), Some(new)) if is_same_call(old, new) => Ok(self.call(&pair, old, new)),
            _ => Err(difference(
                "other modules would be called, or in another order",
                old,
            )),
        }
    }

    /// Our line comes next in the new stack.
    fn ask_us(&self, pair: &Pair, old: Option<&Handler>) -> Result<Vec<Pair>, Difference> {
        if pair.granted.is_some() {
            return Err(difference("our line would be reached twice", old));
        }
        let state = pair.old.authenticate.state();
        let is_open = old.is_none() && matches!(state, State::Positive(_));
        if self.is_frozen && !is_open {
            return Err(difference(
                "our line would be reached by a login that is refused",
                old,
            ));
        }
        let answers = [
            (Code::SUCCESS, true),
            (Code::IGNORE, true),
            (Code::AUTH_ERR, false),
        ];
        let after = |(code, granted)| {
            let mut pair = pair.clone();
            self.answer(&mut pair.new, self.new, code, Code::SUCCESS);
            pair.granted = Some(granted);
            pair.is_root = false;
            pair
        };
        Ok(answers.into_iter().map(after).collect())
    }

    /// Both call the same module: returns what follows each of its answers.
    fn call(&self, pair: &Pair, old: &Handler, new: &Handler) -> Vec<Pair> {
        let may_be_root = self.promise.root_is_exempt
            && old
                .module()
                .is_some_and(|module| module.name == "pam_rootok.so");
        let mut pairs = Vec::new();
        for first in representatives(old, new) {
            for second in [Code::SUCCESS, Code::IGNORE, Code::AUTH_ERR] {
                let ends = old.actions.of(first) == Action::Done;
                if self.is_frozen && ends && second == Code::IGNORE && first != Code::IGNORE {
                    continue;
                }
                let (first, second) = if self.is_frozen {
                    (first, second)
                } else {
                    (first, first)
                };
                let mut pair = pair.clone();
                self.answer(&mut pair.old, self.old, first, second);
                self.answer(&mut pair.new, self.new, first, second);
                pair.is_root = may_be_root && first == Code::SUCCESS && ends;
                pairs.push(pair);
            }
        }
        pairs
    }

    fn check_end(&self, pair: &Pair) -> Result<(), Difference> {
        let is_in = |machine: &Machine| machine.result() == Code::SUCCESS;
        let (old, new) = (is_in(&pair.old.authenticate), is_in(&pair.new.authenticate));
        let keeps = !is_in(&pair.old.setcred) || is_in(&pair.new.setcred);
        if !self.is_frozen {
            // Where the same answers would let no one in, no application relies on the result of
            // setcred.
            return if keeps || !old {
                Ok(())
            } else {
                Err(difference("setcred would fail", None))
            };
        }
        let what = match (old, pair.granted, new) {
            (true, None, _) if !pair.is_root => "a login would need no factor",
            (true, Some(false), true) => "a login would succeed though our factor is refused",
            (false, _, true) => "a login that is refused now would succeed",
            (true, Some(true), false) | (true, None, false) => "a login would be refused",
            (true, _, true) if !keeps => "setcred would fail",
            _ => return Ok(()),
        };
        Err(difference(what, None))
    }
}

fn difference(what: &'static str, at: Option<&Handler>) -> Difference {
    Difference {
        what,
        place: at.map(|handler| handler.place.clone()),
    }
}

/// Whether two lines call the same module with the same arguments.
fn is_same_call(old: &Handler, new: &Handler) -> bool {
    match (old.module(), new.module()) {
        (Some(old), Some(new)) => old.path == new.path && old.arguments == new.arguments,
        _ => false,
    }
}

/// Returns one code for each distinct effect that a code can have on the two lines.
fn representatives(old: &Handler, new: &Handler) -> Vec<Code> {
    let kind = |code: Code| {
        let special = match code {
            Code::SUCCESS => 0,
            Code::IGNORE => 1,
            _ => 2,
        };
        (special, old.actions.of(code), new.actions.of(code))
    };
    let mut kinds = BTreeSet::new();
    Code::all()
        .filter(|code| kinds.insert(kind(*code)))
        .collect()
}
