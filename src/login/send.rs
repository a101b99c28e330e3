//! SMS and calls: on request or before the prompt, counted, and never what ends a login.

use super::{Next, Round};
use crate::factor::{Sent, Way};
use crate::messages::Message;
use crate::store::limits::{Costly, Held};
use crate::store::state::Fault;

impl Way {
    fn costly(self) -> Costly {
        match self {
            Self::Sms => Costly::Sms,
            Self::Call => Costly::Call,
        }
    }
}

impl Round<'_> {
    /// Has a token sent because the person typed the word. Bounded: what is beyond the allowed requests
    /// counts as a refused reply.
    pub(super) fn send_on_request(&mut self, way: Way) -> Next {
        if *self.requests(way) > 0 {
            self.send(way);
            return Next::Again;
        }
        self.refuse(match way {
            Way::Sms => Message::SmsSpent,
            Way::Call => Message::CallSpent,
        })
    }

    /// Has a token sent, and leaves the message for the next prompt. A request that fails is told and
    /// does not end the login.
    pub(super) fn send(&mut self, way: Way) {
        *self.requests(way) -= 1;
        let message = match self.login.limits.spend(way.costly()) {
            Ok(()) => self.request(way),
            Err(held) => self.held_back(held, failed(way)),
        };
        self.say(message);
    }

    /// Asks the provider; for somebody who is not enrolled it is as if it were sent.
    fn request(&mut self, way: Way) -> Message {
        let login = &mut self.login;
        let sent = match login.person {
            Some(id) => login
                .provider
                .send(way, id, login.rules.language, login.deadline),
            None => Ok(Sent::Sent),
        };
        if sent.is_ok() {
            // One is enough: the next would bring the same token.
            *self.requests(way) = 0;
        }
        // One whose answer was lost may be on its way.
        let was_sent = match &sent {
            Ok(sent) => *sent == Sent::Sent,
            Err(error) => error.may_be_done,
        };
        if !was_sent {
            self.login.limits.give_back(way.costly());
        }
        match (way, sent) {
            (Way::Sms, Ok(Sent::Sent)) => Message::SmsSent,
            (Way::Sms, Ok(Sent::UseApp)) => Message::SmsUseApp,
            (Way::Call, Ok(Sent::Sent)) => Message::CallStarted,
            (Way::Call, Ok(Sent::UseApp)) => Message::CallUseApp,
            (way, Err(error)) => {
                self.outcome.detail = Some(format!("{}: {}", not_sent(way), error.detail));
                failed(way)
            }
        }
    }

    /// Why something that costs money was not asked for: the log gets the detail, the person a message.
    pub(super) fn held_back(&mut self, held: Held, failed: Message) -> Message {
        let (detail, message) = match held {
            Held::Limit { detail } => (detail, Message::Limited),
            Held::State(Fault::Disk(detail) | Fault::Process(detail) | Fault::State(detail)) => {
                (detail, failed)
            }
        };
        self.outcome.detail = Some(detail);
        message
    }

    /// How many requests of this way are left.
    fn requests(&mut self, way: Way) -> &mut u32 {
        match way {
            Way::Sms => &mut self.sms_requests,
            Way::Call => &mut self.call_requests,
        }
    }
}

fn failed(way: Way) -> Message {
    match way {
        Way::Sms => Message::SmsFailed,
        Way::Call => Message::CallFailed,
    }
}

fn not_sent(way: Way) -> &'static str {
    match way {
        Way::Sms => "no SMS",
        Way::Call => "no call",
    }
}
