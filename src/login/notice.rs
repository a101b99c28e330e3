//! Notices: where they are shown, and the one that a person reads last. A login that ends without a
//! further prompt says what happened and what to do next.
//!
//! Called by the dialog, and by `engine::session` for a login that ended before one. What a notice
//! offers depends on the configuration alone; an unenrolled user reads what a person with a wrong
//! code reads.

use super::Dialog;
use crate::base::attempt::{Outcome, Reason, Verdict};
use crate::base::language::Message;
use crate::base::question;
use crate::messages::Messages;
use crate::store::config::Notices;

/// What the last notice depends on, besides the outcome.
pub struct LastNotice<'a> {
    /// The texts.
    pub messages: &'a Messages,
    /// Whether the login accepts codes, and not only a push.
    pub accepts_codes: bool,
    /// Whether the service accepts recovery codes.
    pub accepts_recovery: bool,
}

/// PAM_TTY as sshd sets it.
pub const TTY_OF_SSHD: &str = "ssh";

impl LastNotice<'_> {
    /// The notice about an outcome; `None` where there is nothing to say, or where the last reply
    /// says it.
    #[must_use]
    pub fn of(&self, outcome: &Outcome) -> Option<String> {
        self.message(outcome.reason)
            .map(|message| self.with_hint(message))
    }

    /// The notice about the last reply, which used up the attempts, in sshd or elsewhere.
    fn of_last_reply(&self, message: Message, is_sshd: bool) -> String {
        let text = self.with_hint(message);
        // These end by waiting, and not by another attempt. The client of sshd still asks for a
        // password, which sshd does not accept.
        let waits = [Message::Paused, Message::TooManyRequests].contains(&message);
        let used = match (is_sshd, waits) {
            (true, _) => Message::AttemptsUsedSsh,
            (false, false) => Message::AttemptsUsed,
            (false, true) => return text,
        };
        format!("{text} {}", self.messages.text(used))
    }

    /// The text of `message`, followed by a hint at recovery codes where they help.
    pub(super) fn with_hint(&self, message: Message) -> String {
        let text = self.messages.text(message);
        let helps = [
            Message::NotReachable,
            Message::NotTrusted,
            Message::Paused,
            Message::PersonRefused,
            Message::TooManyRequests,
        ];
        if self.accepts_recovery && helps.contains(&message) {
            return format!("{text} {}", self.messages.text(Message::RecoveryHint));
        }
        text
    }

    fn message(&self, reason: Reason) -> Option<Message> {
        match reason {
            Reason::CodeAccepted
            | Reason::PushApproved
            | Reason::SecurityKey
            | Reason::RecoveryCode
            | Reason::Remembered
            | Reason::Exempt
            | Reason::Unenrolled
            // Its text has a date: `engine::wiring` fills it in.
            | Reason::EnrollBy
            | Reason::Enrolled
            | Reason::WrongCode
            | Reason::PushExpired
            | Reason::Limited
            | Reason::Conversation => None,
            Reason::Outage => Some(Message::AllowedUnchecked),
            Reason::PushDenied if self.accepts_codes => Some(Message::PushDenied),
            Reason::PushDenied => Some(Message::PushOnlyDenied),
            Reason::NoKey => Some(Message::NoKey),
            Reason::RateLimited => Some(Message::TooManyRequests),
            Reason::Suspended | Reason::UnknownToProvider => Some(Message::PersonRefused),
            Reason::Deadline => Some(Message::TooLate),
            Reason::BadUserName | Reason::UserChanged => Some(Message::LoginRefused),
            Reason::NoAnswer => Some(Message::NotReachable),
            Reason::UntrustedServer => Some(Message::NotTrusted),
            Reason::Configuration
            | Reason::Mapping
            | Reason::Arguments
            | Reason::Account
            | Reason::State
            | Reason::Process
            | Reason::Engine
            | Reason::KeyRefused
            | Reason::ApplicationRefused
            | Reason::Panic => Some(Message::NotSetUp),
        }
    }
}

impl Dialog<'_> {
    /// Queues `message` for the next prompt. It replaces an earlier one.
    pub(super) fn queue_notice(&mut self, message: Message) {
        self.notice = Some(message);
    }

    /// Shows `message` now, where the person can read it before the next prompt.
    pub(super) fn show_notice(&mut self, message: Message) {
        match self.login.rules.notices() {
            Notices::Message => {
                let text = self.notice_text(message);
                self.login.conversation.show_notice(&text);
            }
            Notices::Prompt => self.queue_notice(message),
            Notices::None => {}
        }
    }

    /// The text of a notice about a reply.
    fn notice_text(&self, message: Message) -> String {
        self.last_notices().with_hint(message)
    }

    /// The queued notice, and the prompt: with the notice in front where it is shown there.
    pub(super) fn with_notice(&mut self, prompt: String) -> (Option<String>, String) {
        let notice = self.notice.take().map(|notice| self.notice_text(notice));
        let notices: Vec<_> = self.held_notice().into_iter().chain(notice).collect();
        let notice = (!notices.is_empty()).then(|| notices.join(" "));
        match (notice, self.login.rules.notices()) {
            (notice, Notices::Message) => (notice, prompt),
            (Some(notice), Notices::Prompt) => (None, question::in_prompt(&notice) + &prompt),
            (_, Notices::Prompt | Notices::None) => (None, prompt),
        }
    }

    /// The notice about an app that was enrolled and does not count yet, once. It comes with the
    /// first prompt, since sshd shows a session without a terminal no notice after the proof.
    fn held_notice(&mut self) -> Option<String> {
        let until = self.login.held_until.take()?;
        Some(self.login.messages.held(until))
    }

    /// The notice at the end of this login. No prompt follows that could have it in front.
    pub(super) fn last_notice(&self) -> Option<String> {
        if self.login.rules.notices() != Notices::Message {
            return None;
        }
        let notices = self.last_notices();
        match self.outcome.verdict {
            Verdict::Accepted => self.notice_of_success(),
            Verdict::AttemptsExhausted => {
                let of_reason = || notices.message(self.outcome.reason);
                let message = self.notice.or_else(of_reason)?;
                let is_sshd = self.login.attempt.tty.as_deref() == Some(TTY_OF_SSHD);
                Some(notices.of_last_reply(message, is_sshd))
            }
            _ => notices.of(&self.outcome),
        }
    }

    fn last_notices(&self) -> LastNotice<'_> {
        LastNotice {
            messages: self.login.messages,
            accepts_codes: self.login.accepts_codes(),
            accepts_recovery: self.login.recovery.is_some(),
        }
    }

    /// How many recovery codes are left after this one, what was refused since the last success,
    /// and what the person must know of an app that was enrolled.
    fn notice_of_success(&self) -> Option<String> {
        let messages = self.login.messages;
        let of_recovery = self
            .recovery_left
            .map(|left| messages.text_with(Message::RecoveryLeft, &left.to_string()));
        let refused = (self.refused_since > 0)
            .then(|| messages.text_with(Message::RefusedSince, &self.refused_since.to_string()));
        let held = self.login.held_until.map(|until| messages.held(until));
        let notices: Vec<_> = (of_recovery.into_iter())
            .chain(refused)
            .chain(held)
            .chain(self.enrolled.clone())
            .collect();
        (!notices.is_empty()).then(|| notices.join(" "))
    }
}
