//! The app that a person enrolls at the prompt: its secret, how that is drawn, its first code, and
//! the entry in enrolled.toml.
//!
//! One login has one secret at most; nothing of it is written before its first code was right. The
//! code is the person's and not trusted. Called by `login`, through its trait, after `wiring` has
//! decided that there may be an offer.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qrcode::{Color, EcLevel, QrCode};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::base::factor::Code;
use crate::base::secret::Secret;
use crate::base::text;
use crate::factor::totp::matching_times;
use crate::login::{Confirmed, Drawing, Enrollment};
use crate::store::people::People;
use crate::store::state::Failure;
use crate::store::totp::enrolled::{self, Added};
use crate::store::totp::{Apps, AtPrompt, Authenticator, Enrolled, Held, Query, Recorded, Steps};

/// The bytes of a secret: 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// The widest QR code that is drawn, in modules: with its margin it fits 40 columns.
const WIDTH: usize = 33;
/// The longest beginning of a user name that such a code has room for, in characters.
const LABEL: usize = 24;
/// The light modules around it. Four are the rule, and apps need less.
const MARGIN: usize = 3;

/// The enrolment of one person at the prompt.
pub(super) struct PromptEnrollment {
    pub(super) state: PathBuf,
    /// The mapping.
    pub(super) users: PathBuf,
    /// The mapping and, where there is one, the directory.
    pub(super) people: People,
    pub(super) user: String,
    /// The name of this host, which the app shows.
    pub(super) host: String,
    /// The factors by which the person is recognized.
    pub(super) factors: Vec<String>,
    /// How long the app is enrolled before it counts.
    pub(super) hold: Duration,
    pub(super) steps: Steps,
    pub(super) now: fn() -> SystemTime,
    /// The app that was offered.
    pub(super) app: Option<Authenticator>,
    /// When the app was stored, and from when on it counts.
    pub(super) stored: Option<Held>,
    /// Lines for the log.
    pub(super) notes: Vec<String>,
}

impl PromptEnrollment {
    fn seconds(&self) -> Option<u64> {
        let since = (self.now)().duration_since(UNIX_EPOCH).ok()?;
        Some(since.as_secs())
    }

    fn note(&mut self, why: &str) {
        let user = text::quoted(&text::sanitize_to(&self.user, 64));
        self.notes.push(format!(
            "no app was enrolled at the prompt for {user}: {why}"
        ));
    }

    /// Writes the entry. The code of the step is used up already.
    fn store(&mut self, app: &Authenticator, since: u64) -> Confirmed {
        let new = Enrolled {
            since,
            factors: self.factors.clone(),
        };
        match enrolled::add(&self.state, &self.user, app, &new) {
            Ok(Added::New) if self.is_theirs() => {
                let until = since.saturating_add(self.hold.as_secs());
                self.stored = Some(Held { since, until });
                return Confirmed::Stored(until);
            }
            Ok(Added::New) => {
                self.note("the entry of the person was changed meanwhile");
                if let Err(error) = enrolled::remove(&self.state, &self.user) {
                    self.note(&format!("its app stays: {error}"));
                }
            }
            Ok(Added::Present) => self.note("another login has enrolled one meanwhile"),
            Err(error) => self.note(&error.to_string()),
        }
        // The secret is not in use. If the file stays, it does no harm.
        let _ = self.steps.forget(app.id());
        Confirmed::Failed
    }

    /// Whether the mapping still has the person, without a secret on this host. Asked once the app
    /// is in the file: authyctl changes users.toml and totp.toml first and then takes the app out
    /// of that file, so either it finds the app there or this finds the change.
    fn is_theirs(&self) -> bool {
        let Ok(mut found) = self.people.find(&self.user) else {
            return false;
        };
        let query = Query {
            state: &self.state,
            user: &self.user,
            hold: self.hold,
            now: (self.now)(),
        };
        let apps = Apps::with_enrolled(&self.users, &mut found.entry, &query);
        matches!(apps.enrolled(), AtPrompt::Held(_) | AtPrompt::Counts(_))
    }
}

impl Enrollment for PromptEnrollment {
    fn is_possible(&mut self) -> bool {
        match enrolled::check_writable(&self.state, &self.user) {
            Ok(()) => true,
            Err(error) => {
                self.note(&error.to_string());
                false
            }
        }
    }

    fn begin(&mut self, drawing: Drawing) -> Option<Secret> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        SystemRandom::new().fill(bytes.as_mut()).ok()?;
        let app = Authenticator::from_bytes(bytes.as_ref()).ok()?;
        let shown = shown(&app, drawing, &self.user, &self.host);
        self.app = Some(app);
        Some(shown)
    }

    fn confirm(&mut self, code: &Code) -> Confirmed {
        let (Some(app), Some(now)) = (self.app.clone(), self.seconds()) else {
            return Confirmed::Failed;
        };
        let times = matching_times(&app, code, now, 1);
        if times.is_empty() {
            return Confirmed::Wrong;
        }
        match self.steps.record(app.id(), &times) {
            Ok(Recorded::New) => self.store(&app, now),
            Ok(Recorded::Used(_)) => Confirmed::Wrong,
            Err(Failure::Disk(why) | Failure::Process(why) | Failure::State(why)) => {
                self.note(&why);
                Confirmed::Failed
            }
        }
    }
}

/// The secret as a drawing, where it is wanted and possible, and as text in groups of four.
fn shown(app: &Authenticator, drawing: Drawing, user: &str, host: &str) -> Secret {
    let secret = app.to_base32();
    let mut shown = String::with_capacity(8 * 1024);
    if let Some(code) = (drawing != Drawing::None)
        .then(|| qr_code(&secret, user, host))
        .flatten()
    {
        draw(&mut shown, &code, drawing);
    }
    for (number, c) in secret.chars().enumerate() {
        if number > 0 && number % 4 == 0 {
            shown.push(' ');
        }
        shown.push(c);
    }
    Secret::new(shown)
}

/// The QR code of the secret with the longest of these names that leaves it narrow enough: user and
/// host, the host without its domain, the user alone or the beginning of it. `None`: none does.
fn qr_code(secret: &str, user: &str, host: &str) -> Option<QrCode> {
    let short = host.split('.').next().unwrap_or_default();
    let with_host = [format!("{user}@{host}"), format!("{user}@{short}")];
    let beginnings = (1..=LABEL)
        .rev()
        .map(|length| user.chars().take(length).collect());
    let names = with_host.into_iter().chain(beginnings);
    let mut codes = names.filter_map(|name: String| {
        let mut address = Zeroizing::new(String::with_capacity(1024));
        address.push_str("otpauth://totp/");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
                address.push(char::from(byte));
            } else {
                address.push_str(&format!("%{byte:02X}"));
            }
        }
        address.push_str("?secret=");
        address.push_str(secret);
        QrCode::with_error_correction_level(address.as_bytes(), EcLevel::L).ok()
    });
    codes.find(|code| code.width() <= WIDTH)
}

/// Draws light modules in the colour of the text, as most terminals are dark; apps read the reverse
/// too.
fn draw(out: &mut String, code: &QrCode, drawing: Drawing) {
    let (colours, width) = (code.to_colors(), code.width());
    let is_light = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < width);
        let colour = inside(x)
            .zip(inside(y))
            .and_then(|(x, y)| colours.get(y * width + x));
        colour != Some(&Color::Dark)
    };
    let size = width + 2 * MARGIN;
    let lines = if drawing == Drawing::Ascii { 1 } else { 2 };
    for y in (0..size).step_by(lines) {
        for x in 0..size {
            let upper = is_light(x, y);
            let lower = y + 1 < size && is_light(x, y + 1);
            out.push_str(match (drawing, upper, lower) {
                (Drawing::Ascii, true, _) => "##",
                (Drawing::Ascii, false, _) => "  ",
                (_, true, true) => "█",
                (_, true, false) => "▀",
                (_, false, true) => "▄",
                (_, false, false) => " ",
            });
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests;
