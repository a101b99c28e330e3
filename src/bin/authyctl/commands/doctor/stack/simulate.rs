//! How a stack with our module goes, for every answer that its modules may give.
//!
//! A first factor accepts a right password and refuses a wrong one; modules whose answer can't be known
//! may answer either way.

use super::control::{AUTH_ERR, Code, Control, SUCCESS};
use super::evaluate::evaluate;
use super::known::{fixed, is_first_factor};
use super::{Entry, Module, modules};

/// The most modules of unknown answer that are tried both ways.
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

/// How a first factor refuses: a wrong password, a name that it does not know, a directory that is away.
const WRONG_PASSWORD: [Code; 3] = [AUTH_ERR, "user_unknown", "authinfo_unavail"];

/// What is known of a login while a stack is evaluated.
#[derive(Clone, Copy)]
struct World {
    ours: Code,
    /// Which of the first factors knows the password; none when it is wrong.
    accepting: Option<usize>,
    /// How the others refuse.
    refusal: Code,
    /// A bit for each module of unknown answer.
    unknown: usize,
}

/// How one evaluation went.
struct Run<'a> {
    code: Code,
    /// Our module was asked.
    asked: bool,
    /// The line that was asked last.
    last: Option<(&'a Control, &'a Module)>,
}

/// All ways in which one stack can go.
pub(crate) struct Stack<'a> {
    pub(super) service: &'a str,
    entries: &'a [Entry<Module>],
    /// Our module may answer `ignore` here.
    pub(super) ignorable: bool,
    /// The token stands behind the password, so that our line comes first.
    pub(super) token_in_password: bool,
}

impl<'a> Stack<'a> {
    /// `ignorable` says that the configuration or the line lets somebody pass without a factor.
    pub(crate) fn new(service: &'a str, entries: &'a [Entry<Module>], ignorable: bool) -> Self {
        Self {
            service,
            entries,
            ignorable,
            token_in_password: false,
        }
    }

    /// The same where the token stands behind the password: then our module is asked before anybody has
    /// looked at the password, and that is meant.
    pub(crate) fn with_token_in_password(mut self, on: bool) -> Self {
        self.token_in_password = on;
        self
    }

    /// Whether a password, or what stands for one, is asked for.
    pub(crate) fn has_first_factor(&self) -> bool {
        self.first_factors() > 0
    }

    fn first_factors(&self) -> usize {
        self.count(is_first_factor)
    }

    fn count(&self, which: impl Fn(&Module) -> bool) -> usize {
        modules(self.entries)
            .iter()
            .filter(|(_, module)| which(module))
            .count()
    }

    fn run(&self, world: World) -> Run<'_> {
        let (mut factor, mut unknown) = (0, 0);
        let (mut asked, mut last) = (false, None);
        let code = evaluate(self.entries, &mut |module: &Module| {
            last = Some(module.place.clone());
            if module.is_ours() {
                asked = true;
                return world.ours;
            }
            if is_first_factor(module) {
                factor += 1;
                let accepts = world.accepting == Some(factor - 1);
                return if accepts { SUCCESS } else { world.refusal };
            }
            fixed(module).unwrap_or_else(|| {
                unknown += 1;
                answer(world.unknown >> (unknown - 1) & 1 == 1)
            })
        });
        let all = modules(self.entries);
        Run {
            code,
            asked,
            last: all
                .into_iter()
                .find(|(_, module)| Some(&module.place) == last.as_ref()),
        }
    }

    fn worlds(&self, ours: Code, right: bool) -> Vec<World> {
        let unknown = self.count(|module| {
            !module.is_ours() && !is_first_factor(module) && fixed(module).is_none()
        });
        let ways = 1 << unknown.min(UNKNOWN_LIMIT);
        let accepting: Vec<_> = match (right, self.first_factors()) {
            (true, count) if count > 0 => (0..count).map(Some).collect(),
            _ => vec![None],
        };
        let world = |accepting, refusal, unknown| World {
            ours,
            accepting,
            refusal,
            unknown,
        };
        let mut worlds = Vec::new();
        for accepting in accepting {
            for refusal in WRONG_PASSWORD {
                worlds.extend((0..ways).map(|unknown| world(accepting, refusal, unknown)));
            }
        }
        worlds
    }

    pub(super) fn can_pass(&self, ours: Code, right: bool) -> bool {
        self.worlds(ours, right)
            .into_iter()
            .any(|world| self.run(world).code == SUCCESS)
    }

    /// Whether somebody with a wrong password is asked for a token.
    pub(super) fn strangers_reach_us(&self) -> bool {
        self.worlds(AUTH_ERR, false)
            .into_iter()
            .any(|world| self.run(world).asked)
    }

    /// Why somebody passes although our module refused them or was not asked.
    pub(super) fn goes_round(&self) -> Option<String> {
        let passes = REFUSALS.into_iter().find_map(|refusal| {
            self.worlds(refusal, true)
                .into_iter()
                .find(|world| self.run(*world).code == SUCCESS)
        })?;
        let run = self.run(passes);
        let all = modules(self.entries);
        let (control, module) = match run.last {
            Some(last) if !run.asked => last,
            _ => *all.iter().find(|(_, module)| module.is_ours())?,
        };
        Some(if run.asked {
            format!("{}: the control flag is `{}`", module.place, control.text)
        } else {
            format!(
                "{}: `{} {}` ends the stack before our line",
                module.place, control.text, module.name
            )
        })
    }
}

fn answer(accepts: bool) -> Code {
    if accepts { SUCCESS } else { AUTH_ERR }
}
