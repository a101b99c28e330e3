//! Rewrites the lines of a stack so that every login that succeeds comes to our line, and no other.
//!
//! A line of a stack cannot test what libpam thinks of a login so far, but it can jump for each
//! answer. So the lines are written once for each `Standing` of a login in which they act
//! differently. As long as nothing was refused they keep their actions, and `sufficient` and `done`
//! become jumps to our line. An answer that refuses without ending the stack jumps to the same
//! lines written once more, which never lead to ours. All jumps lead forward. Pure: `compare`
//! proves the result before it is used.

mod layout;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::layout::{Element, Layout};
use crate::commands::stack::{
    Action, Actions, Code, Handler, Kind, Place, fixed_answer, target_of_jump, target_of_level,
};

/// What the answers so far have come to, in the stack as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// No module has counted.
    Open,
    Accepted,
    /// Accepted with another code than success, so that no login succeeds.
    Otherwise,
    Refused,
}

/// Which standings share lines; the first that can be had is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// All but refused logins.
    NotRefused,
    /// Those that were refused, and those accepted with another code.
    NotAccepted,
    /// None.
    Nothing,
}

impl Sharing {
    pub(super) const ALL: [Self; 3] = [Self::NotRefused, Self::NotAccepted, Self::Nothing];

    /// Returns the track of a standing: the lines that are written for it.
    fn track(self, standing: Standing) -> Standing {
        match (self, standing) {
            (Self::NotRefused, Standing::Accepted | Standing::Otherwise) => Standing::Open,
            (Self::NotAccepted, Standing::Otherwise) => Standing::Refused,
            _ => standing,
        }
    }
}

/// Why lines cannot be taken over.
#[derive(Debug, Clone)]
pub(super) struct Obstacle {
    pub(super) what: String,
    pub(super) place: Place,
}

/// Where a login goes after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// A line, in a track.
    Line(usize, Standing),
    Ours,
    /// The end of the stack, refused.
    End,
    /// The end of the stack, accepted without our factor: root in su.
    Root,
}

/// The lines of a stack, to be written anew.
pub(super) struct Takeover<'a> {
    list: &'a [Handler],
    sharing: Sharing,
    root_is_exempt: bool,
    /// The standings in which each line can be reached.
    reached: BTreeMap<(usize, Standing), BTreeSet<Standing>>,
}

/// A line of the new stack.
pub(super) enum NewLine {
    Comment(&'static str),
    Line(Vec<u8>),
}

impl<'a> Takeover<'a> {
    /// Follows every answer of every line.
    ///
    /// # Errors
    /// A line does what no line outside of its place can do.
    pub(super) fn new(
        list: &'a [Handler],
        sharing: Sharing,
        root_is_exempt: bool,
    ) -> Result<Self, Obstacle> {
        let mut takeover = Self {
            list,
            sharing,
            root_is_exempt,
            reached: BTreeMap::new(),
        };
        takeover.explore()?;
        Ok(takeover)
    }

    fn explore(&mut self) -> Result<(), Obstacle> {
        let mut open = VecDeque::from([(self.called(0), Standing::Open)]);
        let mut seen = BTreeSet::new();
        while let Some((at, standing)) = open.pop_front() {
            let Some(handler) = self.list.get(at) else {
                continue;
            };
            if !seen.insert((at, standing)) {
                continue;
            }
            if let Kind::Broken(why) = &handler.kind {
                return Err(obstacle(
                    handler,
                    &format!("{why}: libpam refuses the login there"),
                ));
            }
            let track = self.sharing.track(standing);
            self.reached
                .entry((at, track))
                .or_default()
                .insert(standing);
            for code in answers(handler) {
                open.push_back(self.follow(at, standing, code)?);
            }
        }
        Ok(())
    }

    /// Returns the first line from `at` on that is called: substacks are only marks, and a broken
    /// line whose answer is ignored does nothing.
    fn called(&self, at: usize) -> usize {
        let skipped = |handler: &&Handler| match handler.kind {
            Kind::Substack => true,
            Kind::Broken(_) => handler.actions.of(Code::PERM_DENIED) == Action::Ignore,
            Kind::Module(_) => false,
        };
        at + self.list.iter().skip(at).take_while(skipped).count()
    }

    /// Returns the line that follows an answer in the stack as it was, and the standing there.
    fn follow(
        &self,
        at: usize,
        standing: Standing,
        code: Code,
    ) -> Result<(usize, Standing), Obstacle> {
        let Some(handler) = self.list.get(at) else {
            return Ok((at, standing));
        };
        let accepted = match standing {
            Standing::Open | Standing::Accepted if code == Code::SUCCESS => Standing::Accepted,
            Standing::Open | Standing::Accepted => Standing::Otherwise,
            Standing::Otherwise | Standing::Refused => standing,
        };
        let end_of_level = target_of_level(self.list, at + 1, handler.level);
        let (next, standing) = match handler.actions.of(code) {
            Action::Ignore => (at + 1, standing),
            Action::Ok => (at + 1, accepted),
            Action::Done if standing == Standing::Refused => (at + 1, standing),
            Action::Done => (end_of_level, accepted),
            Action::Bad => (at + 1, Standing::Refused),
            Action::Die => (end_of_level, Standing::Refused),
            // Back to what it was before the substack, which has no lines of its own any more.
            Action::Reset if handler.level > 0 => {
                return Err(obstacle(
                    handler,
                    "`reset` in a substack cannot be taken over",
                ));
            }
            Action::Reset => (at + 1, Standing::Open),
            Action::Jump(count) => {
                let (next, is_enough) = target_of_jump(self.list, at + 1, handler.level, count);
                (
                    next,
                    if is_enough {
                        standing
                    } else {
                        Standing::Refused
                    },
                )
            }
        };
        Ok((self.called(next), standing))
    }

    /// Returns where the new line leads after an answer.
    fn target(&self, at: usize, track: Standing, code: Code) -> Result<Target, Obstacle> {
        let (Some(handler), Some(members)) = (self.list.get(at), self.reached.get(&(at, track)))
        else {
            return Ok(Target::End);
        };
        let is_root = self.root_is_exempt && is_exempt_root(handler, code);
        if is_root && matches!(track, Standing::Open | Standing::Accepted) {
            return Ok(Target::Root);
        }
        let mut targets = Vec::new();
        for standing in members {
            let (next, after) = self.follow(at, *standing, code)?;
            targets.push(if next < self.list.len() {
                Target::Line(next, self.sharing.track(after))
            } else if after == Standing::Accepted {
                Target::Ours
            } else {
                Target::End
            });
        }
        // A login that was accepted with another code before keeps that code to the end, whether it
        // passes our line or not.
        let was_otherwise = members.contains(&Standing::Otherwise);
        if was_otherwise && targets.contains(&Target::Ours) {
            targets = vec![Target::Ours];
        }
        let first = targets.first().copied().unwrap_or(Target::End);
        if targets.iter().any(|target| *target != first) {
            let what = "whether the stack then lets in depends on lines before this one";
            return Err(obstacle(handler, what));
        }
        Ok(first)
    }

    /// Writes the new lines, with ours as the last.
    ///
    /// # Errors
    /// The standings that share lines cannot share one of them.
    pub(super) fn write(&self, ours: &[u8]) -> Result<Vec<NewLine>, Obstacle> {
        let layout = Layout::new(self)?;
        let mut lines = Vec::new();
        for (position, element) in layout.elements.iter().enumerate() {
            match *element {
                Element::Line(at, track) => {
                    let is_first = position == 0
                        || !matches!(layout.elements.get(position - 1), Some(Element::Line(_, before)) if *before == track);
                    lines.extend(comment(track).filter(|_| is_first).map(NewLine::Comment));
                    lines.push(NewLine::Line(self.line(&layout, position, at, track)?));
                }
                Element::Pass => {
                    let count = layout.elements.len() - position - 2;
                    let line = format!("auth  [default={count}]  pam_permit.so");
                    lines.push(NewLine::Line(line.into_bytes()));
                }
                Element::Fence => {
                    lines.push(NewLine::Line(b"auth  requisite  pam_deny.so".to_vec()));
                }
                Element::Ours => {
                    lines.push(NewLine::Comment(
                        "# every module has accepted: the second factor",
                    ));
                    lines.push(NewLine::Line(ours.to_vec()));
                    lines.push(NewLine::Line(b"auth  required   pam_permit.so".to_vec()));
                }
            }
        }
        Ok(lines)
    }

    fn line(
        &self,
        layout: &Layout,
        position: usize,
        at: usize,
        track: Standing,
    ) -> Result<Vec<u8>, Obstacle> {
        let Some(handler) = self.list.get(at) else {
            return Ok(Vec::new());
        };
        let mut actions = BTreeMap::new();
        for code in answers(handler) {
            let target = self.target(at, track, code)?;
            let old = handler.actions.of(code);
            actions.insert(code, layout.action(position, target, track, old, code));
        }
        // libpam suspends a login at `incomplete` before it looks for an action.
        let last = actions.last_key_value().map(|(_, action)| *action);
        let other = last.filter(|_| actions.len() > 2).unwrap_or(Action::Die);
        let control = Actions::from_fn(|code| actions.get(&code).copied().unwrap_or(other));
        let kind = if handler.is_quiet { "-auth" } else { "auth" };
        let control = if control == handler.actions {
            handler.control.clone()
        } else {
            control.text()
        };
        let mut line = format!("{kind}  {control}  ").into_bytes();
        line.extend(handler.module().map_or(&[][..], |module| &module.written));
        Ok(line)
    }
}

impl Takeover<'_> {
    /// Whether the last line of a track leads to our line without a jump.
    fn falls_through(&self, track: Standing) -> Result<bool, Obstacle> {
        let last = self.reached.keys().rfind(|(_, of)| *of == track);
        let Some((at, _)) = last else {
            return Ok(false);
        };
        let Some(handler) = self.list.get(*at) else {
            return Ok(false);
        };
        for code in answers(handler) {
            let goes_on = matches!(
                handler.actions.of(code),
                Action::Ignore | Action::Ok | Action::Reset
            );
            if goes_on && self.target(*at, track, code)? == Target::Ours {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Returns the codes that a line can answer.
fn answers(handler: &Handler) -> Vec<Code> {
    match fixed_answer(handler) {
        Some((code, of_setcred)) => vec![code, of_setcred],
        None => Code::all().collect(),
    }
}

/// Whether this answer lets root in at once: `sufficient pam_rootok.so` outside of substacks.
fn is_exempt_root(handler: &Handler, code: Code) -> bool {
    let is_rootok = handler
        .module()
        .is_some_and(|module| module.name == "pam_rootok.so");
    is_rootok
        && handler.level == 0
        && code == Code::SUCCESS
        && handler.actions.of(code) == Action::Done
}

fn obstacle(handler: &Handler, what: &str) -> Obstacle {
    Obstacle {
        what: what.to_owned(),
        place: handler.place.clone(),
    }
}

/// Returns what the lines of a track are for.
fn comment(track: Standing) -> Option<&'static str> {
    match track {
        Standing::Open => None,
        Standing::Accepted => Some("# the same lines, after a module has accepted"),
        Standing::Otherwise => {
            Some("# the same lines, after a module has accepted with another code than success")
        }
        Standing::Refused => {
            Some("# the same lines, after a module has refused: never the second factor")
        }
    }
}
