//! One person and their phone: tokens of two apps, tokens that were sent, an inbox.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use totp_rs::{Builder, Totp};

use crate::answer::Failure;
use crate::random;
use crate::state::now;

/// How long a token lives that was sent, or that was asked for by a script.
const SENT_TOKEN_LIFE: Duration = Duration::from_secs(600);
/// How long an app token lives, in seconds, as in the Authy app.
const STEP_SECONDS: u64 = 20;
/// How long a token of another authenticator app lives, in seconds.
const OTHER_STEP_SECONDS: u64 = 30;
/// SMS and calls that one person gets in an hour.
const SENDS_PER_HOUR: usize = 10;
/// Wrong tokens of one person in an hour.
const WRONG_PER_HOUR: usize = 60;

/// One person and their phone.
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) email: String,
    pub(crate) country_code: String,
    pub(crate) cellphone: String,
    pub(crate) registered: bool,
    pub(crate) confirmed: bool,
    pub(crate) suspended: bool,
    /// When a deletion takes effect, in seconds since 1970; the person is marked until then.
    pub(crate) gone_at: Option<u64>,
    /// Devices that were registered with the application's own SDK.
    pub(crate) sdk_devices: Vec<u64>,
    pub(crate) devices: Vec<String>,
    pub(crate) inbox: Vec<Letter>,
    pub(crate) activity: Vec<String>,
    totp: Totp,
    used_steps: HashSet<u64>,
    /// Another authenticator app, and the steps whose token was used.
    other_app: Option<(Totp, HashSet<u64>)>,
    sent: Vec<Sent>,
    used_sent: HashSet<String>,
    sends: Vec<Instant>,
    wrong: Vec<Instant>,
}

/// A message in a person's inbox.
pub(crate) struct Letter {
    pub(crate) kind: &'static str,
    pub(crate) token: String,
    pub(crate) text: String,
    pub(crate) at: u64,
}

struct Sent {
    token: String,
    until: Instant,
    action: Option<String>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right { by_sms: bool },
    Wrong,
    Used,
    TooMany,
}

impl Person {
    pub(crate) fn new(id: u64, email: &str, country_code: &str, cellphone: &str) -> Self {
        let totp = Builder::new()
            .with_digits(7)
            .with_step_duration(STEP_SECONDS)
            .with_skew(1)
            .with_secret(random::bytes::<20>().to_vec())
            .build_noncompliant();
        Self {
            id,
            email: email.to_owned(),
            country_code: country_code.to_owned(),
            cellphone: cellphone.to_owned(),
            registered: false,
            confirmed: false,
            suspended: false,
            gone_at: None,
            sdk_devices: Vec::new(),
            devices: vec!["sms".to_owned()],
            inbox: Vec::new(),
            activity: Vec::new(),
            totp,
            used_steps: HashSet::new(),
            other_app: None,
            sent: Vec::new(),
            used_sent: HashSet::new(),
            sends: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// The service's answer about somebody who is suspended.
    pub(crate) fn check_suspended(&self) -> Result<(), Failure> {
        if self.suspended {
            return Err(Failure::new(503, 60017, "User has been suspended."));
        }
        Ok(())
    }

    /// Whether a deletion has taken effect.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone_at.is_some_and(|at| at <= now())
    }

    /// Checks a token and uses it up.
    pub(crate) fn verify(&mut self, token: &str, action: Option<&str>) -> Verdict {
        if too_many(&mut self.wrong, WRONG_PER_HOUR) {
            return Verdict::TooMany;
        }
        let verdict = self.look_up(token, action);
        match verdict {
            Verdict::Right { .. } => self.confirmed = true,
            Verdict::Wrong | Verdict::Used => self.wrong.push(Instant::now()),
            Verdict::TooMany => {}
        }
        verdict
    }

    fn look_up(&mut self, token: &str, action: Option<&str>) -> Verdict {
        let fits = |sent: &Sent| {
            sent.token == token && sent.until > Instant::now() && sent.action.as_deref() == action
        };
        if let Some(at) = self.sent.iter().position(fits) {
            self.used_sent.insert(self.sent.remove(at).token);
            return Verdict::Right { by_sms: true };
        }
        if self.used_sent.contains(token) {
            return Verdict::Used;
        }
        let present = now() / STEP_SECONDS;
        let is_token = |step: &u64| self.totp.generate(step * STEP_SECONDS).to_string() == token;
        match (present.saturating_sub(1)..=present + 1).find(is_token) {
            Some(step) if self.used_steps.insert(step) => Verdict::Right { by_sms: false },
            Some(_) => Verdict::Used,
            None => self.look_up_other_app(token),
        }
    }

    fn look_up_other_app(&mut self, token: &str) -> Verdict {
        let Some((totp, used)) = &mut self.other_app else {
            return Verdict::Wrong;
        };
        let present = now() / OTHER_STEP_SECONDS;
        let is_token = |step: &u64| totp.generate(step * OTHER_STEP_SECONDS).to_string() == token;
        match (present.saturating_sub(1)..=present + 1).find(is_token) {
            Some(step) if used.insert(step) => Verdict::Right { by_sms: false },
            Some(_) => Verdict::Used,
            None => Verdict::Wrong,
        }
    }

    /// Gives the person a secret for another authenticator app: the URI that such an app scans.
    pub(crate) fn add_other_app(&mut self, label: &str) -> String {
        let secret = random::bytes::<20>();
        let totp = Builder::new()
            .with_digits(6)
            .with_step_duration(OTHER_STEP_SECONDS)
            .with_skew(1)
            .with_secret(secret.to_vec())
            .build_noncompliant();
        self.other_app = Some((totp, HashSet::new()));
        let label = serde_urlencoded::to_string([("", label)]).unwrap_or_default();
        let label = label.trim_start_matches('=').replace('+', "%20");
        let secret = base32(&secret);
        format!("otpauth://totp/authy-sim:{label}?secret={secret}&issuer=authy-sim")
    }

    /// Sends a token; `None` when it is one too many.
    pub(crate) fn send(&mut self, kind: &'static str, action: Option<String>) -> Option<String> {
        if too_many(&mut self.sends, SENDS_PER_HOUR) {
            return None;
        }
        self.sends.push(Instant::now());
        let token = self.issue(action);
        self.receive(kind, &token, &format!("Your Authy token is {token}"));
        Some(token)
    }

    /// Puts a message into the inbox.
    pub(crate) fn receive(&mut self, kind: &'static str, token: &str, text: &str) {
        self.inbox.push(Letter {
            kind,
            token: token.to_owned(),
            text: text.to_owned(),
            at: now(),
        });
    }

    /// A token of this person that nobody has seen, for ten minutes and one use.
    pub(crate) fn issue(&mut self, action: Option<String>) -> String {
        let token = random::digits(7);
        let until = Instant::now() + SENT_TOKEN_LIFE;
        self.sent.push(Sent {
            token: token.clone(),
            until,
            action,
        });
        token
    }

    /// The app's token that would be accepted now, and for how many seconds it is shown.
    pub(crate) fn app_token(&self) -> (String, u64) {
        let present = now() / STEP_SECONDS;
        let step = if self.used_steps.contains(&present) {
            present + 1
        } else {
            present
        };
        (
            self.totp.generate(step * STEP_SECONDS).to_string(),
            STEP_SECONDS - now() % STEP_SECONDS,
        )
    }

    /// The number as the service shows it to an application.
    pub(crate) fn masked(&self) -> String {
        let end = self.cellphone.len().saturating_sub(2);
        format!(
            "+{}-XXX-XXX-XX{}",
            self.country_code,
            self.cellphone.get(end..).unwrap_or("00")
        )
    }

    /// Everything about the person, for the phone.
    pub(crate) fn as_json(&self) -> Value {
        let (token, seconds_left) = self.app_token();
        let inbox: Vec<_> = self
            .inbox
            .iter()
            .map(|l| json!({"kind": l.kind, "token": l.token, "text": l.text, "at": l.at}))
            .collect();
        json!({
            "authy_id": self.id,
            "email": self.email,
            "cellphone": self.cellphone,
            "country_code": self.country_code,
            "registered": self.registered,
            "confirmed": self.confirmed,
            "suspended": self.suspended,
            "deleted": self.gone_at.is_some(),
            "sdk_devices": self.sdk_devices,
            "devices": self.devices,
            "token": token,
            "seconds_left": seconds_left,
            "inbox": inbox,
            "activity": self.activity,
        })
    }
}

/// Whether there were `limit` of them in the last hour; forgets older ones.
fn too_many(times: &mut Vec<Instant>, limit: usize) -> bool {
    times.retain(|time| time.elapsed() < Duration::from_secs(3600));
    times.len() >= limit
}

/// RFC 4648 base32 without padding, as authenticator apps read it.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    (0..bytes.len() * 8)
        .step_by(5)
        .map(|start| (start..start + 5).fold(0, |all, at| all << 1 | bit(at)))
        .map(|five| char::from(LETTERS[usize::from(five)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Person {
        Person::new(1635, "a@b.test", "1", "5550100199")
    }

    #[test]
    fn an_app_token_is_right_once() {
        let mut person = person();
        let (token, _) = person.app_token();
        assert_eq!(
            person.verify(&token, None),
            Verdict::Right { by_sms: false }
        );
        assert_eq!(person.verify(&token, None), Verdict::Used);
        let (next, _) = person.app_token();
        assert_eq!(person.verify(&next, None), Verdict::Right { by_sms: false });
    }

    #[test]
    fn a_sent_token_is_right_once_and_for_its_action_only() {
        let mut person = person();
        let token = person.send("sms", Some("pay".into())).unwrap();
        assert_eq!(person.verify(&token, None), Verdict::Wrong);
        assert_eq!(
            person.verify(&token, Some("pay")),
            Verdict::Right { by_sms: true }
        );
        assert_eq!(person.verify(&token, Some("pay")), Verdict::Used);
    }

    #[test]
    fn base32_is_what_the_rfc_says() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"foob"), "MZXW6YQ");
    }

    #[test]
    fn sending_is_limited_by_the_hour() {
        let mut person = person();
        for _ in 0..SENDS_PER_HOUR {
            assert!(person.send("sms", None).is_some());
        }
        assert!(person.send("call", None).is_none());
    }
}
