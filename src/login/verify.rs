//! Proofs that are typed: tokens, which the provider is asked about, and recovery codes.

use super::{Next, Round};
use crate::base::attempt::{Factor, Reason, Verdict};
use crate::client::authy::types::Token;
use crate::factor::{self, ErrorKind};
use crate::login::policy;
use crate::messages::Message;
use crate::store::config::Otherwise;
use crate::store::limits::Held;
use crate::store::recovery::Code;
use crate::store::state::Fault;

impl Round<'_> {
    /// Counts a token as refused, asks about it, and takes that back unless it was.
    pub(super) fn try_token(&mut self, token: &Token) -> Next {
        if let Err(held) = self.login.limits.token() {
            return self.pause(held);
        }
        match self.verify(token) {
            Next::Refused => {
                self.outcome.reason = Reason::WrongToken;
                self.refuse(Message::NotAccepted)
            }
            next => {
                self.outcome.attempts += 1;
                next
            }
        }
    }

    /// A token that may not be asked about now. A pause is a refused reply, so that a recovery code may
    /// still be typed.
    pub(super) fn pause(&mut self, held: Held) -> Next {
        match held {
            Held::Limit { detail } => {
                self.outcome.detail = Some(detail);
                self.outcome.reason = Reason::Limited;
                self.refuse(Message::Paused)
            }
            Held::State(fault) => self.state_failed(fault),
        }
    }

    /// What is kept across calls cannot be used.
    fn state_failed(&mut self, fault: Fault) -> Next {
        let (detail, reason) = match fault {
            Fault::Process(detail) => (detail, Reason::Process),
            Fault::Disk(detail) | Fault::State(detail) => (detail, Reason::State),
        };
        self.outcome.attempts += 1;
        self.outcome.detail = Some(detail);
        Next::End(Verdict::Failed, reason)
    }

    /// Asks the provider about a token; for somebody who is not enrolled the answer is no.
    fn verify(&mut self, token: &Token) -> Next {
        let Some(id) = self.login.person else {
            return Next::Refused;
        };
        self.outcome.factor = Some(Factor::Token);
        let whole = self.has_whole_request();
        let login = &mut self.login;
        match login.provider.verify(id, token, login.deadline) {
            Ok(()) => self.accept(Reason::TokenAccepted),
            Err(error) => {
                if error.kind != ErrorKind::Refused {
                    self.login.limits.token_unanswered();
                }
                self.refused_by_provider(error, whole)
            }
        }
    }

    /// The person has proven who they are.
    pub(super) fn accept(&mut self, reason: Reason) -> Next {
        self.outcome.code = None;
        self.login.limits.token_accepted();
        Next::End(Verdict::Accepted, reason)
    }

    /// Whether a request can have its full time: one that the deadline cuts short is the person's doing
    /// and never an outage.
    pub(super) fn has_whole_request(&self) -> bool {
        let login = &self.login;
        login.deadline.remaining(login.clock.now()) >= login.request_timeout
    }

    /// What a provider's error means for the login; `whole` as [`Round::has_whole_request`] said before
    /// the request.
    pub(super) fn refused_by_provider(&mut self, error: factor::Error, whole: bool) -> Next {
        self.outcome.code = error.code;
        let kind = error.kind;
        if kind != ErrorKind::Refused {
            self.outcome.detail = Some(error.detail);
        }
        match kind {
            ErrorKind::Refused => Next::Refused,
            ErrorKind::PersonRefused => Next::End(Verdict::Refused, Reason::Suspended),
            ErrorKind::PersonUnknown => Next::End(Verdict::Refused, Reason::UnknownToAuthy),
            ErrorKind::RateLimited => Next::End(Verdict::TriesSpent, Reason::RateLimited),
            ErrorKind::KeyRefused => Next::End(Verdict::Failed, Reason::KeyRefused),
            ErrorKind::ApplicationRefused => Next::End(Verdict::Failed, Reason::ApplicationRefused),
            ErrorKind::FalseIdentity => Next::End(Verdict::Unavailable, Reason::FalseIdentity),
            ErrorKind::Configuration => Next::End(Verdict::Failed, Reason::Configuration),
            ErrorKind::Process => Next::End(Verdict::Failed, Reason::Process),
            ErrorKind::Unavailable => self.unavailable(whole),
        }
    }

    fn unavailable(&self, whole: bool) -> Next {
        let login = &self.login;
        let over = login.deadline.is_over(login.clock.now());
        if over {
            Next::End(Verdict::Refused, Reason::Deadline)
        } else if policy::passes_outage(login.rules.when_unavailable, whole) {
            Next::End(Verdict::Ignored, Reason::Outage)
        } else if login.rules.when_unavailable == Otherwise::Ignore {
            Next::End(Verdict::Refused, Reason::Deadline)
        } else {
            Next::End(Verdict::Unavailable, Reason::NoAnswer)
        }
    }

    /// Uses a recovery code up. No provider is asked, so that it works on the day when there is none.
    pub(super) fn redeem(&mut self, code: &Code) -> Next {
        let redeemed = match (self.login.person, &mut self.login.recovery) {
            (Some(_), Some(recovery)) => recovery.redeem(code),
            _ => Ok(None),
        };
        match redeemed {
            Ok(Some(left)) => {
                self.outcome.attempts += 1;
                self.outcome.factor = Some(Factor::Recovery);
                self.outcome.detail = Some(format!("a recovery code was used, {left} are left"));
                let told =
                    (self.login.messages).text_with(Message::RecoveryLeft, &left.to_string());
                self.login.conversation.tell(&told);
                self.accept(Reason::RecoveryCode)
            }
            Ok(None) => self.refuse(Message::NotAccepted),
            Err(fault) => self.state_failed(fault),
        }
    }
}
