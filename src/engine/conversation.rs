//! The person at the prompt, as the engine reaches them: questions and texts go to the module, and
//! replies come back. What comes back is not trusted. Called by `login`, through its trait.

use std::time::{Duration, Instant};

use super::isolation;
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
}

impl ModuleConversation {
    /// The conversation about a login of `user` over `channel`, until `deadline`.
    pub(super) fn new(channel: Channel, user: String, deadline: Instant) -> Self {
        Self {
            channel,
            user: Some(user),
            deadline,
            has_ended: false,
            has_asked: false,
        }
    }

    /// Sends the verdict about `user`, unless the module has one already.
    pub(super) fn send_verdict(&mut self, verdict: Verdict, user: &str) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let user = user.to_owned();
        // Without a module the login ends all the same.
        let _ = self.send(&FromEngine::Verdict { verdict, user });
    }

    /// Sends a verdict that lets the person in, and waits for the module to confirm it.
    pub(super) fn deliver(&mut self, verdict: Verdict, user: &str) -> Confirmation {
        if self.has_ended {
            return Confirmation::Lost;
        }
        self.send_verdict(verdict, user);
        let received = self.receive(Instant::now() + CONFIRM).or_else(|_| {
            // A module that is later than this cannot send its confirmation, and so denies;
            // one that was in time at the last moment has.
            self.channel.refuse_more();
            self.receive(Instant::now())
        });
        match received {
            Ok(FromModule::Confirm(confirmation)) => confirmation,
            Ok(_) | Err(_) => Confirmation::Lost,
        }
    }

    fn send(&mut self, message: &FromEngine) -> Result<(), Error> {
        self.channel.send(&message.encode(), Instant::now() + SEND)
    }

    fn receive(&mut self, until: Instant) -> Result<FromModule, NoReply> {
        let bytes = self.channel.receive(until).map_err(|error| match error {
            Error::TimedOut => NoReply::Deadline,
            _ => NoReply::Failed,
        })?;
        FromModule::decode(&bytes).map_err(|_| NoReply::Failed)
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
            isolation::leave();
        }
        match self.receive(self.deadline)? {
            FromModule::Reply { text, user } => {
                self.user = user;
                Ok(text)
            }
            FromModule::Start(_) | FromModule::Failed | FromModule::Confirm(_) => {
                Err(NoReply::Failed)
            }
        }
    }

    fn show_notice(&mut self, notice: &str) {
        // A module that is gone is noticed at the next question.
        let _ = self.send(&FromEngine::Say {
            text: notice.to_owned(),
        });
    }

    fn user(&self) -> Option<String> {
        self.user.clone()
    }

    fn is_open(&self) -> bool {
        !self.has_ended && !self.channel.is_closed()
    }

    fn dismiss(&mut self, verdict: Verdict) {
        let user = self.user.clone().unwrap_or_default();
        self.send_verdict(verdict, &user);
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
        let conversation = ModuleConversation::new(channel, "alice".into(), Instant::now());
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
            let confirmed = conversation.deliver(Verdict::Accepted, "alice");
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
        let delivered = conversation.deliver(Verdict::Accepted, "alice");
        assert_eq!(delivered, Confirmation::Lost);
        conversation.send_verdict(Verdict::Accepted, "alice");
        drop(conversation);
        let first = FromEngine::decode(&module.receive(soon()).unwrap());
        let expected = FromEngine::Verdict {
            verdict: Verdict::ConversationFailed,
            user: "alice".into(),
        };
        assert_eq!(first, Ok(expected));
        assert!(module.receive(soon()).is_err(), "a second message");
    }

    #[test]
    fn a_confirmation_that_comes_too_late_cannot_be_sent() {
        let (engine, module) = UnixStream::pair().unwrap();
        let engine = Channel::new(engine.into());
        let mut conversation = ModuleConversation::new(engine, "alice".into(), Instant::now());
        let confirmed = conversation.deliver(Verdict::Accepted, "alice");
        assert_eq!(confirmed, Confirmation::Lost);
        let late = FromModule::Confirm(Confirmation::Delivered).encode();
        let sent = Channel::new(module.into()).send(&late, Instant::now());
        assert_eq!(sent, Err(Error::Closed));
    }
}
