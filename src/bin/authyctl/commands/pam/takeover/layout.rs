//! The order of the new lines, and the action that leads from one to another.

use super::{Obstacle, Standing, Takeover, Target};
use crate::commands::stack::{Action, Code};

/// A line of the new stack, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Line(usize, Standing),
    /// Jumps to our line.
    Pass,
    /// Refuses every login that comes to it.
    Fence,
    Ours,
}

/// The order of the new lines.
pub(super) struct Layout {
    pub(super) elements: Vec<Element>,
}

impl Layout {
    pub(super) fn new(takeover: &Takeover<'_>) -> Result<Self, Obstacle> {
        let mut elements = Vec::new();
        let mut tracks: Vec<Standing> = takeover.reached.keys().map(|(_, track)| *track).collect();
        tracks.sort_unstable();
        tracks.dedup();
        for track in &tracks {
            let of_track = takeover.reached.keys().filter(|(_, of)| of == track);
            elements.extend(of_track.map(|(at, track)| Element::Line(*at, *track)));
            if takeover.falls_through(*track)? {
                elements.push(Element::Pass);
            }
        }
        match elements.last() {
            // It would jump over nothing.
            Some(Element::Pass) => {
                elements.pop();
            }
            _ => elements.push(Element::Fence),
        }
        elements.push(Element::Ours);
        Ok(Self { elements })
    }

    /// Returns the action of the line at `position` that leads to `target`.
    pub(super) fn action(
        &self,
        position: usize,
        target: Target,
        track: Standing,
        old: Action,
        code: Code,
    ) -> Action {
        let on = match (track, old) {
            (Standing::Refused | Standing::Otherwise, _) => Action::Ignore,
            (_, Action::Ok | Action::Done) => Action::Ok,
            (_, Action::Reset) => Action::Reset,
            _ => Action::Ignore,
        };
        let wanted = match target {
            Target::Root => return Action::Done,
            Target::End => return Action::Die,
            Target::Ours => Element::Ours,
            Target::Line(at, track) => Element::Line(at, track),
        };
        let next = self.elements.get(position + 1).copied();
        let passes = wanted == Element::Ours
            && next == Some(Element::Pass)
            && !matches!(old, Action::Jump(_))
            && (old != Action::Done || code == Code::SUCCESS);
        if next == Some(wanted) || passes {
            return on;
        }
        let found = self.elements.iter().position(|element| *element == wanted);
        match found.and_then(|found| found.checked_sub(position + 1)) {
            Some(count) if count > 0 => Action::Jump(count),
            // A code that the module never answers.
            _ => Action::Die,
        }
    }
}
