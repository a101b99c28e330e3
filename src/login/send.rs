//! SMS and calls: sent on request or before the first prompt, counted against the limits.
//!
//! A failure is shown with the next prompt and never ends a login: the person can still type a code
//! of the app. Called by the dialog.

use super::{Dialog, Step};
use crate::base::attempt::Reason;
use crate::base::factor::{Channel, Progress, Sent};
use crate::base::language::Message;
use crate::store::limits::{self, Costly};
use crate::store::state::Failure;

impl Channel {
    /// What a message through this channel counts as.
    fn costly(self) -> Costly {
        match self {
            Self::Sms => Costly::Sms,
            Self::Call => Costly::Call,
        }
    }
}

impl Dialog<'_> {
    /// Sends a code because the person typed the word. Beyond the allowed number of requests, the
    /// reply is refused, so that the login ends.
    pub(super) fn send_on_request(&mut self, channel: Channel) -> Step {
        if *self.requests_left(channel) > 0 {
            self.send(channel);
            return Step::Again;
        }
        self.outcome.reason = Reason::Limited;
        self.refuse(match channel {
            Channel::Sms => Message::SmsSpent,
            Channel::Call => Message::CallSpent,
        })
    }

    /// Sends a code where the limits allow it, and queues the notice about it. Does not fail.
    pub(super) fn send(&mut self, channel: Channel) {
        *self.requests_left(channel) -= 1;
        let message = match self.login.limits.acquire(channel.costly()) {
            Ok(()) => self.request_code(channel),
            Err(error) => self.send_limit_reached(error, failure_message(channel)),
        };
        self.queue_notice(message);
    }

    /// Sends the request to the provider. It stays counted unless it is certain that nothing was
    /// sent.
    fn request_code(&mut self, channel: Channel) -> Message {
        let login = &mut self.login;
        let sent = login
            .factor
            .send(channel, login.rules.language, login.deadline);
        if sent.is_ok() {
            // One is enough: the next one would bring the same code.
            *self.requests_left(channel) = 0;
        }
        let was_sent = match &sent {
            Ok(sent) => *sent == Sent::Sent,
            Err(error) => error.progress == Progress::Unanswered,
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
                failure_message(channel)
            }
        }
    }

    /// Handles a message or push that the limits do not allow: the log gets the detail, and the
    /// person the returned message. `failure` is the message where the count failed.
    pub(super) fn send_limit_reached(&mut self, error: limits::Error, failure: Message) -> Message {
        let (detail, message) = match error {
            limits::Error::Limit { detail } => (detail, Message::Limited),
            limits::Error::State(
                Failure::Disk(detail) | Failure::Process(detail) | Failure::State(detail),
            ) => (detail, failure),
        };
        self.outcome.detail = Some(detail);
        message
    }

    /// How many requests through this channel are left.
    fn requests_left(&mut self, channel: Channel) -> &mut u32 {
        match channel {
            Channel::Sms => &mut self.sms_requests_left,
            Channel::Call => &mut self.call_requests_left,
        }
    }
}

/// What the person reads when a code could not be sent.
fn failure_message(channel: Channel) -> Message {
    match channel {
        Channel::Sms => Message::SmsFailed,
        Channel::Call => Message::CallFailed,
    }
}

/// The beginning of the log line when a code could not be sent.
fn not_sent(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "no SMS",
        Channel::Call => "no call",
    }
}
