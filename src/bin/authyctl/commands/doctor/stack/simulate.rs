//! How a stack with our module ends, for every combination of answers that its modules can give.
//!
//! A first factor accepts the right password and refuses a wrong one. A module whose answer cannot
//! be known can answer either way.

use super::control::{AUTH_ERR, Code, Control, SUCCESS};
use super::evaluate::evaluate;
use super::known::{fixed_answer, is_first_factor};
use super::{Module, StackLine, modules};

/// The largest number of modules with an unknown answer that are tried both ways.
const UNKNOWN_LIMIT: usize = 6;
/// How our module refuses.
const REFUSALS: [Code; 6] = [
    AUTH_ERR,
    "maxtries",
    "authinfo_unavail",
    "service_err",
    "conv_err",
    "abort",
];
/// How a first factor refuses: a wrong password, an unknown name, an unreachable directory.
const WRONG_PASSWORD: [Code; 3] = [AUTH_ERR, "user_unknown", "authinfo_unavail"];

/// One combination of answers.
#[derive(Clone, Copy)]
struct Scenario {
    /// What our module answers.
    ours: Code,
    /// Which first factor accepts the password, counted from 0; `None` when it is wrong.
    accepting: Option<usize>,
    /// What the other first factors answer.
    refusal: Code,
    /// A bit for each module with an unknown answer: whether it succeeds.
    unknown: usize,
}

/// What one evaluation of the stack did.
struct Run<'a> {
    code: Code,
    /// Our module was called.
    called_us: bool,
    /// The line that was called last.
    last: Option<(&'a Control, &'a Module)>,
}

/// A stack whose possible answers are tried.
pub(crate) struct Simulation<'a> {
    lines: &'a [StackLine],
    /// Our module may answer `ignore`, since a rule lets some users log in without a factor.
    pub(super) may_ignore: bool,
    /// The code is typed after the password, so that our line comes first.
    pub(super) token_in_password: bool,
}

impl<'a> Simulation<'a> {
    /// `may_ignore` says that the configuration or the line lets some users log in without a
    /// factor.
    pub(crate) fn new(lines: &'a [StackLine], may_ignore: bool) -> Self {
        Self {
            lines,
            may_ignore,
            token_in_password: false,
        }
    }

    /// With the code after the password, our module is called before the password was checked, and
    /// that is intended.
    pub(crate) fn with_token_in_password(mut self, on: bool) -> Self {
        self.token_in_password = on;
        self
    }

    /// Whether the stack asks for a password, or for what replaces one.
    pub(crate) fn has_first_factor(&self) -> bool {
        self.count(is_first_factor) > 0
    }

    fn count(&self, which: impl Fn(&Module) -> bool) -> usize {
        modules(self.lines)
            .iter()
            .filter(|(_, module)| which(module))
            .count()
    }

    /// Whether the stack can succeed when our module answers `ours` and the password is right or
    /// wrong.
    pub(super) fn can_succeed(&self, ours: Code, right_password: bool) -> bool {
        self.scenarios(ours, right_password)
            .into_iter()
            .any(|scenario| self.run(scenario).code == SUCCESS)
    }

    /// Whether a user with a wrong password can be asked for the second factor.
    pub(super) fn calls_us_after_wrong_password(&self) -> bool {
        self.scenarios(AUTH_ERR, false)
            .into_iter()
            .any(|scenario| self.run(scenario).called_us)
    }

    /// Returns the line that is to blame when the stack can succeed although our module refuses or
    /// is not called.
    pub(super) fn bypass(&self) -> Option<String> {
        let scenario = REFUSALS.into_iter().find_map(|refusal| {
            self.scenarios(refusal, true)
                .into_iter()
                .find(|scenario| self.run(*scenario).code == SUCCESS)
        })?;
        let run = self.run(scenario);
        let all = modules(self.lines);
        let (control, module) = match run.last {
            Some(last) if !run.called_us => last,
            _ => *all.iter().find(|(_, module)| module.is_ours())?,
        };
        Some(if run.called_us {
            format!("{}: the control flag is `{}`", module.place, control.text)
        } else {
            format!(
                "{}: `{} {}` ends the stack before our line",
                module.place, control.text, module.name
            )
        })
    }

    fn run(&self, scenario: Scenario) -> Run<'_> {
        let (mut first_factors, mut unknown) = (0, 0);
        let (mut called_us, mut last) = (false, None);
        let code = evaluate(self.lines, &mut |module: &Module| {
            last = Some(module.place.clone());
            if module.is_ours() {
                called_us = true;
                return scenario.ours;
            }
            if is_first_factor(module) {
                first_factors += 1;
                let accepts = scenario.accepting == Some(first_factors - 1);
                return if accepts { SUCCESS } else { scenario.refusal };
            }
            fixed_answer(module).unwrap_or_else(|| {
                let succeeds = scenario.unknown.checked_shr(unknown).unwrap_or(0) & 1 == 1;
                unknown += 1;
                if succeeds { SUCCESS } else { AUTH_ERR }
            })
        });
        Run {
            code,
            called_us,
            last: modules(self.lines)
                .into_iter()
                .find(|(_, module)| Some(&module.place) == last.as_ref()),
        }
    }

    fn scenarios(&self, ours: Code, right_password: bool) -> Vec<Scenario> {
        let is_unknown = |module: &Module| {
            !module.is_ours() && !is_first_factor(module) && fixed_answer(module).is_none()
        };
        let combinations = 1 << self.count(is_unknown).min(UNKNOWN_LIMIT);
        let accepting: Vec<_> = match (right_password, self.count(is_first_factor)) {
            (true, count) if count > 0 => (0..count).map(Some).collect(),
            _ => vec![None],
        };
        let mut scenarios = Vec::new();
        for accepting in accepting {
            for refusal in WRONG_PASSWORD {
                scenarios.extend((0..combinations).map(|unknown| Scenario {
                    ours,
                    accepting,
                    refusal,
                    unknown,
                }));
            }
        }
        scenarios
    }
}
