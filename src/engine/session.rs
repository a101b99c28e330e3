//! One login, from the module's first message to the engine's last: who asks, the decision, its
//! delivery, and what lasts.
//!
//! A verdict that lets the person in has three steps: it is sent, the module confirms that the
//! application gets it, and then it is audited and remembered. The module is trusted as far as its
//! process is: one that runs as root is our module. Its texts are those of the application and not
//! trusted. Called by `bin/pam_authyd` and `service`.

use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::unistd::alarm;

use super::audit::{self, Audit};
use super::conversation::ModuleConversation;
use super::isolation::{self, Groups};
use super::locker;
use super::wiring::{Case, Decision, failed};
use crate::base::attempt::{Attempt, Outcome, Reason, Verdict};
use crate::host::socket::Channel;
use crate::login::{Conversation, LastNotice, NoReply};
use crate::messages::Messages;
use crate::protocol;
use crate::protocol::{Confirmation, FromEngine, FromModule, Start, UserName, VERSION};

/// How long the engine lives without a deadline, in seconds.
const WITHOUT_DEADLINE: u32 = 20;
/// How much longer than its deadline the engine lives, in seconds: the kernel ends it then.
const LAST_SECONDS: u32 = 5;
/// How long a message may take to leave.
const SEND: Duration = Duration::from_secs(2);

/// Who is at the other end of the channel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    /// The application that has started this engine.
    Starter,
    /// A process of root, connected to the service's socket.
    Root {
        /// Its real uid, from the kernel.
        uid: u32,
        /// When the service began.
        started: SystemTime,
    },
    /// A process of a plain user, connected to the service's other socket.
    User {
        /// Its uid, from the kernel.
        uid: u32,
        /// Its number, from the kernel.
        pid: u32,
    },
}

impl Peer {
    /// How long the module may take to send the start of the login. A plain user who runs su must
    /// not keep a place of the service without a login.
    fn patience(self) -> Duration {
        match self {
            Self::Root { uid, .. } | Self::User { uid, .. } if uid != 0 => Duration::from_secs(2),
            Self::User { .. } | Self::Starter | Self::Root { .. } => Duration::from_secs(10),
        }
    }

    /// What is used of the start of a login; `None` where the process is not the one that it says
    /// it is.
    fn believed(self, start: Start) -> Option<Start> {
        let process = &start.attempt.process;
        match self {
            Self::Starter => Some(start),
            Self::Root { uid, .. } => {
                (process.uid == uid && process.effective_uid == 0).then_some(start)
            }
            Self::User { uid, pid } => {
                let name = locker::account(uid)?;
                locker::start(start, &name, uid, pid)
            }
        }
    }
}

/// Serves one login over `socket`, whose other end is the module that has started this process.
/// Returns when the login is over and everything that lasts is written; the process must end then,
/// with all its threads.
pub fn serve(socket: OwnedFd) {
    let groups = isolation::begin();
    serve_in(socket, Peer::Starter, groups);
    isolation::end();
}

/// As [`serve`], for a login of this peer, in a process of these control groups. It stays one of
/// root's to its end: the service reaps it, or the init system after that, and no caller does.
pub(super) fn serve_in(socket: OwnedFd, peer: Peer, groups: Groups) {
    alarm::set(WITHOUT_DEADLINE);
    std::panic::set_hook(Box::new(|_| ()));
    let begun = Instant::now();
    let mut channel = Channel::new(socket);
    // Without a start there is no login, and the module says so.
    let Some(start) = receive_start(&mut channel, peer) else {
        return;
    };
    let is_locker = matches!(peer, Peer::User { .. });
    let attempt = start.attempt.clone();
    let case = match Case::open(&start, begun, groups, is_locker) {
        Ok(case) => case,
        Err(outcome) => {
            let conversation =
                ModuleConversation::new(channel, attempt.user.clone(), begun, groups);
            let session = Session::new(None, attempt, conversation, is_locker);
            let decision = session.certain(outcome);
            session.conclude(decision);
            return audit::outlive_last_line(None);
        }
    };
    let left = case.deadline().remaining(Instant::now());
    alarm::set(u32::try_from(left.as_secs()).unwrap_or(u32::MAX - LAST_SECONDS) + LAST_SECONDS + 1);
    let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    if send(&mut channel, &FromEngine::Deadline { milliseconds }).is_err() {
        return;
    }
    let conversation =
        ModuleConversation::new(channel, attempt.user.clone(), begun + case.budget(), groups);
    let mut session = Session::new(Some(&case), attempt, conversation, is_locker);
    let decision = session.decide(&case, start.name, groups);
    session.conclude(decision);
    audit::outlive_last_line(case.log());
}

/// Receives the start of the login. `None` where there is no login: the peer asks for the status,
/// or is not understood.
fn receive_start(channel: &mut Channel, peer: Peer) -> Option<Start> {
    // A uid without an account, of which a user may have many, keeps no place.
    if let Peer::User { uid, .. } = peer
        && locker::account(uid).is_none()
    {
        return None;
    }
    send(channel, &FromEngine::Ready { version: VERSION }).ok()?;
    let bytes = channel.receive(Instant::now() + peer.patience()).ok()?;
    match FromModule::decode(&bytes) {
        Ok(FromModule::Start(start)) if protocol::is_understood(start.version) => {
            peer.believed(*start)
        }
        Ok(FromModule::AskStatus) => {
            if let Some(status) = status(peer) {
                let _ = send(channel, &status);
            }
            None
        }
        _ => None,
    }
}

/// What this engine is; `None` for a peer that it does not tell.
fn status(peer: Peer) -> Option<FromEngine> {
    let since = match peer {
        Peer::Root { started, .. } => started,
        Peer::Starter => SystemTime::now(),
        Peer::User { .. } => return None,
    };
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(FromEngine::Status {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        started: since.as_secs(),
    })
}

fn send(channel: &mut Channel, message: &FromEngine) -> Result<(), crate::host::socket::Error> {
    channel.send(&message.encode(), Instant::now() + SEND)
}

/// A login with a module that waits for its verdict.
struct Session<'a> {
    /// `None` where arguments or configuration cannot be used.
    case: Option<&'a Case>,
    attempt: Attempt,
    conversation: ModuleConversation,
    /// Whether a plain user's process asks.
    is_locker: bool,
}

impl<'a> Session<'a> {
    fn new(
        case: Option<&'a Case>,
        attempt: Attempt,
        conversation: ModuleConversation,
        is_locker: bool,
    ) -> Self {
        Self {
            case,
            attempt,
            conversation,
            is_locker,
        }
    }

    /// Decides the login of a process that was in these control groups.
    fn decide(&mut self, case: &Case, name: UserName, groups: Groups) -> Decision {
        let outcome = match name {
            UserName::Known => None,
            UserName::Unusable => Some(Outcome::new(Verdict::Refused, Reason::BadUserName)),
            UserName::NotAsked => Some(Outcome::new(
                Verdict::ConversationFailed,
                Reason::Conversation,
            )),
        };
        let outcome = outcome.or_else(|| {
            let isolated = isolation::check(self.attempt.process.uid, groups);
            isolated.err().map(|why| failed(Reason::Process, why))
        });
        if let Some(outcome) = outcome {
            return self.certain(outcome);
        }
        let (attempt, is_locker) = (&self.attempt, self.is_locker);
        let mut record_refused = |outcome: &Outcome| {
            audit_of(attempt, is_locker, case.log()).record(attempt, outcome);
            case.count(outcome);
        };
        let decision = guarded(|| case.decide(&mut self.conversation, &mut record_refused));
        decision.unwrap_or_else(|outcome| self.certain(outcome))
    }

    /// The decision that an outcome without a dialog is.
    fn certain(&self, mut outcome: Outcome) -> Decision {
        outcome.last_notice = self.last_notice(&outcome);
        Decision::certain(outcome)
    }

    /// The last notice of an outcome that the dialog has not decided.
    fn last_notice(&self, outcome: &Outcome) -> Option<String> {
        match self.case {
            Some(case) => case.last_notice(outcome),
            // Without a configuration the language is not known.
            None => LastNotice {
                messages: &Messages::default(),
                accepts_codes: true,
                accepts_recovery: false,
            }
            .of(outcome),
        }
    }

    /// Tells the module, and writes what lasts.
    fn conclude(mut self, mut decision: Decision) {
        if !matches!(
            decision.outcome.verdict,
            Verdict::Accepted | Verdict::Ignored
        ) {
            return self.refuse(&decision.outcome);
        }
        if let Some(changed) = self.show_last(&decision.outcome) {
            let outcome = &mut decision.outcome;
            (outcome.verdict, outcome.reason) = changed;
            outcome.last_notice = self.last_notice(outcome);
            return self.refuse(outcome);
        }
        let outcome = &mut decision.outcome;
        let user = &self.attempt.user;
        let discards_typed = outcome.discards_typed;
        let delivered = self
            .conversation
            .deliver(outcome.verdict, user, discards_typed);
        match delivered {
            Confirmation::Delivered => {
                if let Some(case) = self.case {
                    case.settle(&decision);
                }
            }
            Confirmation::UserChanged => {
                outcome.verdict = Verdict::Refused;
                outcome.reason = Reason::UserChanged;
            }
            Confirmation::Lost => outcome.undelivered = true,
        }
        self.record(&decision.outcome);
    }

    /// Writes the audit line of a login that is not let in, shows its last notice, and sends the
    /// verdict.
    fn refuse(&mut self, outcome: &Outcome) {
        self.record(outcome);
        if let Some(notice) = &outcome.last_notice {
            self.conversation.show_notice(notice);
        }
        let user = self.attempt.user.clone();
        let (verdict, discards_typed) = (outcome.verdict, outcome.discards_typed);
        self.conversation
            .send_verdict(verdict, &user, discards_typed);
    }

    /// Shows the last notice of an allowed login, and waits until all are shown. Returns the
    /// refusal where the deadline passes or the application changes the user name meanwhile.
    fn show_last(&mut self, outcome: &Outcome) -> Option<(Verdict, Reason)> {
        if let Some(notice) = &outcome.last_notice {
            self.conversation.show_notice(notice);
        }
        let waited = self.conversation.wait_for_notices();
        if waited == Err(NoReply::Deadline) {
            return Some((Verdict::Refused, Reason::Deadline));
        }
        // Without a module the verdict is not confirmed either.
        let is_same = self.conversation.user().as_deref() == Some(&self.attempt.user);
        (!is_same).then_some((Verdict::Refused, Reason::UserChanged))
    }

    /// Writes the audit line, and counts its verdict. Without a configuration the line goes to the
    /// system's log, and nothing is counted.
    fn record(&self, outcome: &Outcome) {
        let log = self.case.and_then(Case::log);
        let audit = audit_of(&self.attempt, self.is_locker, log);
        if let Some(line) = self.case.and_then(Case::debug_line) {
            audit.debug(&line);
        }
        audit.record(&self.attempt, outcome);
        if let Some(case) = self.case.filter(|_| !outcome.is_recorded) {
            case.count(outcome);
        }
    }
}

/// The log for the lines of a login.
fn audit_of(attempt: &Attempt, is_locker: bool, log: Option<&Path>) -> Audit {
    if is_locker {
        Audit::of_lockers(log)
    } else {
        Audit::open(&attempt.service, log)
    }
}

/// Runs `decide`; a panic in it is an outcome too.
fn guarded(decide: impl FnOnce() -> Result<Decision, Outcome>) -> Result<Decision, Outcome> {
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|payload| {
        // The payload may itself panic when it is dropped.
        std::mem::forget(payload);
        Err(Outcome::new(Verdict::Panicked, Reason::Panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_engine_is_a_verdict_that_denies() {
        let decision = guarded(|| panic!("a bug"));
        let outcome = decision.err().unwrap();
        assert_eq!(
            (outcome.verdict, outcome.reason),
            (Verdict::Panicked, Reason::Panic)
        );
    }
}
