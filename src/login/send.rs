//! SMS and calls: on request or before the prompt, counted, and never what ends a login.

use super::{Dialog, Step};
use crate::base::factor::{Channel, Sent};
use crate::base::language::Message;
use crate::store::limits::{self, Costly};
use crate::store::state::Failure;

impl Channel {
    fn costly(self) -> Costly {
        match self {
            Self::Sms => Costly::Sms,
            Self::Call => Costly::Call,
        }
    }
}

impl Dialog<'_> {
    /// Has a token sent because the person typed the word. Bounded: what is beyond the allowed requests
    /// counts as a refused reply.
    pub(super) fn send_on_request(&mut self, channel: Channel) -> Step {
        if *self.requests(channel) > 0 {
            self.send(channel);
            return Step::Again;
        }
        self.refuse(match channel {
            Channel::Sms => Message::SmsSpent,
            Channel::Call => Message::CallSpent,
        })
    }

    /// Has a token sent, and leaves the message for the next prompt. A request that fails is told and
    /// does not end the login.
    pub(super) fn send(&mut self, channel: Channel) {
        *self.requests(channel) -= 1;
        let message = match self.login.limits.acquire(channel.costly()) {
            Ok(()) => self.request(channel),
            Err(error) => self.limit_reached(error, failed(channel)),
        };
        self.queue_notice(message);
    }

    /// Asks the provider; for somebody who is not enrolled it is as if it were sent.
    fn request(&mut self, channel: Channel) -> Message {
        let login = &mut self.login;
        let sent = login
            .factor
            .send(channel, login.rules.language, login.deadline);
        if sent.is_ok() {
            // One is enough: the next would bring the same token.
            *self.requests(channel) = 0;
        }
        // One whose answer was lost may be on its way.
        let was_sent = match &sent {
            Ok(sent) => *sent == Sent::Sent,
            Err(error) => error.maybe_delivered,
        };
        if !was_sent {
            self.login.limits.release(channel.costly());
        }
        match (channel, sent) {
            (Channel::Sms, Ok(Sent::Sent)) => Message::SmsSent,
            (Channel::Sms, Ok(Sent::UseApp)) => Message::SmsUseApp,
            (Channel::Call, Ok(Sent::Sent)) => Message::CallStarted,
            (Channel::Call, Ok(Sent::UseApp)) => Message::CallUseApp,
            (channel, Err(error)) => {
                self.outcome.detail = Some(format!("{}: {}", not_sent(channel), error.detail));
                failed(channel)
            }
        }
    }

    /// Why something that costs money was not asked for: the log gets the detail, the person a message.
    pub(super) fn limit_reached(&mut self, error: limits::Error, failed: Message) -> Message {
        let (detail, message) = match error {
            limits::Error::Limit { detail } => (detail, Message::Limited),
            limits::Error::State(
                Failure::Disk(detail) | Failure::Process(detail) | Failure::State(detail),
            ) => (detail, failed),
        };
        self.outcome.detail = Some(detail);
        message
    }

    /// How many requests of this way are left.
    fn requests(&mut self, channel: Channel) -> &mut u32 {
        match channel {
            Channel::Sms => &mut self.sms_requests,
            Channel::Call => &mut self.call_requests,
        }
    }
}

fn failed(channel: Channel) -> Message {
    match channel {
        Channel::Sms => Message::SmsFailed,
        Channel::Call => Message::CallFailed,
    }
}

fn not_sent(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "no SMS",
        Channel::Call => "no call",
    }
}
