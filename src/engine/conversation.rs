//! The person at the prompt, as the engine reaches them: questions and texts go to the module, and
//! replies come back. What comes back is not trusted. Called by `login`, through its trait.

use std::time::{Duration, Instant};

use super::isolation::{self, Groups};
use crate::base::attempt::Verdict;
use crate::base::question::Question;
use crate::base::secret::Secret;
use crate::host::socket::{Channel, Error};
use crate::login::{Conversation, NoReply};
use crate::protocol::{Confirmation, FromEngine, FromModule};

/// How long a message to the module may take to leave.
const SEND: Duration = Duration::from_secs(2);
/// How long the module may take to confirm a verdict.
const CONFIRM: Duration = Duration::from_secs(2);

/// The module's end of the channel.
pub(super) struct ModuleConversation {
    channel: Channel,
    /// PAM_USER, as the module named it last.
    user: Option<String>,
    /// When the login is over.
    deadline: Instant,
    /// The module has its verdict.
    has_ended: bool,
    /// The person has something to read.
    has_asked: bool,
    /// How many notices the application has not shown yet.
    unshown: u32,
    /// The control groups that are left while the person reads.
    groups: Groups,
}

impl ModuleConversation {
    /// The conversation about a login of `user` over `channel`, until `deadline`, by a process in
    /// these control groups.
    pub(super) fn new(channel: Channel, user: String, deadline: Instant, groups: Groups) -> Self {
        Self {
            channel,
            user: Some(user),
            deadline,
            has_ended: false,
            has_asked: false,
            unshown: 0,
            groups,
        }
    }

    /// Waits until the application has shown every notice. Some wait until the person has read it,
    /// and confirm no verdict before.
    ///
    /// # Errors
    /// The application is gone, or the deadline has passed.
    pub(super) fn wait_for_notices(&mut self) -> Result<(), NoReply> {
        while self.unshown > 0 && !self.has_ended {
            self.receive(self.deadline)?;
        }
        Ok(())
    }

    /// Sends the verdict about `user`, unless the module has one already. `discards_typed`: what
    /// was typed since the last prompt is discarded.
    pub(super) fn send_verdict(&mut self, verdict: Verdict, user: &str, discards_typed: bool) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        // Without a module the login ends all the same.
        let _ = self.send(&FromEngine::Verdict {
            verdict,
            user: user.to_owned(),
            discards_typed,
        });
    }

    /// Sends a verdict that lets the person in, and waits for the module to confirm it.
    pub(super) fn deliver(
        &mut self,
        verdict: Verdict,
        user: &str,
        discards_typed: bool,
    ) -> Confirmation {
        if self.has_ended {
            return Confirmation::Lost;
        }
        self.send_verdict(verdict, user, discards_typed);
        let received = self.receive_reply(Instant::now() + CONFIRM).or_else(|_| {
            // A module that is later than this cannot send its confirmation, and so denies;
            // one that was in time at the last moment has.
            self.channel.refuse_more();
            self.receive_reply(Instant::now())
        });
        match received {
            Ok(FromModule::Confirm(confirmation)) => confirmation,
            Ok(_) | Err(_) => Confirmation::Lost,
        }
    }

    fn send(&mut self, message: &FromEngine) -> Result<(), Error> {
        self.channel.send(&message.encode(), Instant::now() + SEND)
    }

    /// The module's next message. That a notice was shown is noted.
    fn receive(&mut self, until: Instant) -> Result<FromModule, NoReply> {
        let bytes = self.channel.receive(until).map_err(|error| match error {
            Error::TimedOut => NoReply::Deadline,
            _ => NoReply::Failed,
        })?;
        let message = FromModule::decode(&bytes).map_err(|_| NoReply::Failed)?;
        if let FromModule::Shown { user } = &message {
            self.unshown = self.unshown.checked_sub(1).ok_or(NoReply::Failed)?;
            self.user.clone_from(user);
        }
        Ok(message)
    }

    /// The module's next message that is not about a notice.
    fn receive_reply(&mut self, until: Instant) -> Result<FromModule, NoReply> {
        loop {
            let message = self.receive(until)?;
            if !matches!(message, FromModule::Shown { .. }) {
                return Ok(message);
            }
        }
    }
}

impl Conversation for ModuleConversation {
    fn ask(&mut self, question: &Question) -> Result<Option<Secret>, NoReply> {
        if self.has_ended {
            return Err(NoReply::Failed);
        }
        self.send(&FromEngine::Ask(question.clone()))
            .map_err(|_| NoReply::Failed)?;
        if !std::mem::replace(&mut self.has_asked, true) {
            isolation::leave(self.groups);
        }
        match self.receive_reply(self.deadline)? {
            FromModule::Reply { text, user } => {
                self.user = user;
                Ok(text)
            }
            _ => Err(NoReply::Failed),
        }
    }

    fn show_notice(&mut self, notice: &str) {
        if self.has_ended {
            return;
        }
        let text = notice.to_owned();
        // A module that is gone is noticed at the next question.
        if self.send(&FromEngine::Say { text }).is_ok() {
            self.unshown += 1;
        }
    }

    fn user(&self) -> Option<String> {
        self.user.clone()
    }

    fn is_open(&self) -> bool {
        !self.has_ended && !self.channel.is_closed()
    }

    fn dismiss(&mut self, verdict: Verdict) {
        let user = self.user.clone().unwrap_or_default();
        self.send_verdict(verdict, &user, false);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::base::question::Kind;

    /// A conversation, and the module's end.
    fn pair() -> (ModuleConversation, Channel) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let channel = Channel::new(ours.into());
        let conversation =
            ModuleConversation::new(channel, "alice".into(), Instant::now(), Groups::OfService);
        (conversation, Channel::new(theirs.into()))
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(100)
    }

    #[test]
    fn only_a_confirmation_confirms() {
        let reply = FromModule::Reply {
            text: None,
            user: Some("alice".into()),
        };
        let delivered = FromModule::Confirm(Confirmation::Delivered);
        let rows = [
            (Some(delivered.encode()), Confirmation::Delivered),
            (Some(reply.encode()), Confirmation::Lost),
            (Some(FromModule::Failed.encode()), Confirmation::Lost),
            (None, Confirmation::Lost),
        ];
        let mut wrong = Vec::new();
        for (sent, expected) in rows {
            let (mut conversation, mut module) = pair();
            if let Some(bytes) = &sent {
                module.send(bytes, soon()).unwrap();
            }
            drop(module);
            let confirmed = conversation.deliver(Verdict::Accepted, "alice", false);
            if confirmed != expected {
                wrong.push((sent, confirmed));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn a_conversation_is_open_while_the_module_is_there() {
        let (conversation, module) = pair();
        assert!(conversation.is_open());
        drop(module);
        assert!(!conversation.is_open());
    }

    #[test]
    fn after_a_verdict_nothing_is_asked_delivered_or_sent() {
        let (mut conversation, mut module) = pair();
        let confirm = FromModule::Confirm(Confirmation::Delivered);
        module.send(&confirm.encode(), soon()).unwrap();
        conversation.dismiss(Verdict::ConversationFailed);
        let question = Question {
            kind: Kind::Code,
            notice: None,
            prompt: "Code: ".into(),
            echo: false,
        };
        assert!(!conversation.is_open());
        assert_eq!(conversation.ask(&question).err(), Some(NoReply::Failed));
        let delivered = conversation.deliver(Verdict::Accepted, "alice", false);
        assert_eq!(delivered, Confirmation::Lost);
        conversation.show_notice("too late");
        assert_eq!(conversation.wait_for_notices(), Ok(()));
        conversation.send_verdict(Verdict::Accepted, "alice", false);
        drop(conversation);
        let first = FromEngine::decode(&module.receive(soon()).unwrap());
        let expected = FromEngine::Verdict {
            verdict: Verdict::ConversationFailed,
            user: "alice".into(),
            discards_typed: false,
        };
        assert_eq!(first, Ok(expected));
        assert!(module.receive(soon()).is_err(), "a second message");
    }

    fn shown(user: &str) -> FromModule {
        let user = Some(user.to_owned());
        FromModule::Shown { user }
    }

    #[test]
    fn a_verdict_waits_until_every_notice_is_shown_and_learns_the_user_then() {
        let (mut conversation, mut module) = pair();
        conversation.deadline = soon();
        conversation.show_notice("one");
        conversation.show_notice("two");
        module.send(&shown("alice").encode(), soon()).unwrap();
        let waited = conversation.wait_for_notices();
        assert_eq!(waited, Err(NoReply::Deadline), "the second is not shown");
        module.send(&shown("bob").encode(), soon()).unwrap();
        assert_eq!(conversation.wait_for_notices(), Ok(()));
        assert_eq!(conversation.user().as_deref(), Some("bob"));
    }

    #[test]
    fn a_notice_that_is_shown_is_no_reply_and_one_that_was_not_sent_is_malformed() {
        let question = Question {
            kind: Kind::Code,
            notice: None,
            prompt: "Code: ".into(),
            echo: false,
        };
        for notices in [1, 0] {
            let (mut conversation, mut module) = pair();
            conversation.deadline = soon();
            (0..notices).for_each(|_| conversation.show_notice("a push was sent"));
            let reply = FromModule::Reply {
                text: Some(Secret::new("1234567".into())),
                user: Some("alice".into()),
            };
            for message in [shown("alice"), reply] {
                module.send(&message.encode(), soon()).unwrap();
            }
            let typed = conversation.ask(&question).map(|text| text.is_some());
            let expected = if notices > 0 {
                Ok(true)
            } else {
                Err(NoReply::Failed)
            };
            assert_eq!(typed, expected);
        }
    }

    #[test]
    fn a_confirmation_that_comes_too_late_cannot_be_sent() {
        let (engine, module) = UnixStream::pair().unwrap();
        let engine = Channel::new(engine.into());
        let mut conversation =
            ModuleConversation::new(engine, "alice".into(), Instant::now(), Groups::OfService);
        let confirmed = conversation.deliver(Verdict::Accepted, "alice", false);
        assert_eq!(confirmed, Confirmation::Lost);
        let late = FromModule::Confirm(Confirmation::Delivered).encode();
        let sent = Channel::new(module.into()).send(&late, Instant::now());
        assert_eq!(sent, Err(Error::Closed));
    }
}
