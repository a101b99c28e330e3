//! The codes of an authenticator app, checked on this host (TOTP, RFC 6238).
//!
//! A code is accepted for a step within one of now, and later than the last step accepted for the
//! secret. Its step is used up on the disk before the code is accepted ([`Steps`]), and it is counted
//! before it is checked ([`HostCodes`]). No network is needed. The code comes from the person and is
//! not trusted. Created by the engine, and combined with a provider by `connect`.

use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::Builder;

use crate::base::factor::{Code, Error, ErrorKind, HostCodes, Progress};
use crate::base::text;
use crate::store::state::Failure;
use crate::store::totp::{Algorithm, Authenticator, Recorded, Steps};

/// How far a last step may be ahead of the clock, in seconds, before the log says so: a clock that is
/// set forwards and back again locks the person out until then.
pub const MAX_AHEAD: u64 = 600;

/// The app of one person.
pub struct Totp {
    name: String,
    app: Authenticator,
    steps: Steps,
    codes: Box<dyn HostCodes>,
    now: fn() -> SystemTime,
    notes: Vec<String>,
}

/// What came of a code.
pub(super) enum Checked {
    /// It is right, and used up.
    Accepted,
    /// It is right, and was used.
    Used,
    /// It is wrong.
    Refused,
    /// It has another number of digits than the app's codes, and was not checked.
    NotMine,
    /// It was not checked, since too many were refused; or its step could not be recorded.
    Failed(Error),
}

impl Totp {
    /// The app whose secret has the name `name` in totp.toml.
    #[must_use]
    pub fn new(
        name: &str,
        app: Authenticator,
        steps: Steps,
        codes: Box<dyn HostCodes>,
        now: fn() -> SystemTime,
    ) -> Self {
        Self {
            name: name.to_owned(),
            app,
            steps,
            codes,
            now,
            notes: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The digits of the app's codes.
    pub(super) fn digits(&self) -> u8 {
        self.app.digits()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Adds a line for the log.
    pub(super) fn note(&mut self, line: String) {
        if !self.notes.contains(&line) {
            self.notes.push(line);
        }
    }

    /// Checks a code, and uses it up when it is right.
    pub(super) fn check(&mut self, code: &Code) -> Checked {
        if code.digits().len() != usize::from(self.digits()) {
            return Checked::NotMine;
        }
        if let Err(error) = self.codes.acquire_host_code() {
            return Checked::Failed(error);
        }
        let Some(now) = seconds((self.now)()) else {
            return Checked::Failed(no_clock());
        };
        let times = matching_times(&self.app, code, now, 1);
        if times.is_empty() {
            return Checked::Refused;
        }
        match self.steps.record(self.app.id(), &times) {
            Ok(Recorded::New) => {
                self.codes.release_host_code();
                Checked::Accepted
            }
            Ok(Recorded::Used(last)) => {
                if let Some(line) = ahead_of_clock(&self.name, last, now) {
                    self.note(line);
                }
                Checked::Used
            }
            Err(failure) => Checked::Failed(not_recorded(failure)),
        }
    }

    /// Takes the count of the last code back, because another factor of the person accepted it.
    pub(super) fn accepted_elsewhere(&mut self) {
        self.codes.release_host_code();
    }
}

/// Whole seconds since 1970; `None` for an earlier time.
fn seconds(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

/// Returns when the steps begin whose code is `code`, among those within `steps` of the time `now`,
/// in seconds since 1970 and in ascending order. Each is compared in constant time, and all of them
/// are, so that the time tells nothing about the right code.
#[must_use]
pub fn matching_times(app: &Authenticator, code: &Code, now: u64, steps: u64) -> Vec<u64> {
    let period = u64::from(app.period());
    let totp = Builder::new()
        .with_algorithm(match app.algorithm() {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        })
        .with_digits(app.digits())
        .with_secret(app.secret().clone())
        .with_skew(0)
        .with_step_duration(period)
        // The settings are those of a checked type; `build` refuses the secrets of 80 bits.
        .build_noncompliant();
    let step = now / period;
    let range = step.saturating_sub(steps)..=step.saturating_add(steps);
    range
        .filter_map(|step| step.checked_mul(period))
        .filter(|time| totp.check(code.digits(), *time).is_some())
        .collect()
}

/// The line for the log when the last step of a secret is more than ten minutes ahead of the clock.
#[must_use]
pub fn ahead_of_clock(name: &str, last: u64, now: u64) -> Option<String> {
    let ahead = last.checked_sub(now).filter(|ahead| *ahead > MAX_AHEAD)?;
    let name = text::quoted(&text::sanitize_to(name, 64));
    Some(format!(
        "the last code accepted for totp={name} is {ahead} s ahead of this host's clock, so no code is \
         accepted until then; authyctl totp reset USER forgets it"
    ))
}

fn no_clock() -> Error {
    Error {
        kind: ErrorKind::Process,
        code: None,
        detail: "the clock of this host is before 1970".to_owned(),
        progress: Progress::Answered,
    }
}

fn not_recorded(failure: Failure) -> Error {
    let (kind, why) = match failure {
        Failure::Process(why) => (ErrorKind::Process, why),
        Failure::Disk(why) | Failure::State(why) => (ErrorKind::State, why),
    };
    Error {
        kind,
        code: None,
        detail: format!("the code is not accepted, because it could not be recorded: {why}"),
        progress: Progress::Answered,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::{Cell, RefCell};
    use std::path::Path;
    use std::process::Command;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;
    use crate::store::state::test_words::map;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(1_111_111_109) };
    }

    pub(crate) fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW.get())
    }

    /// Counts as a script says, and notes what was counted.
    #[derive(Clone, Default)]
    pub(crate) struct FakeCodes {
        pub(crate) error: Rc<RefCell<Option<Error>>>,
        pub(crate) counted: Rc<RefCell<Vec<&'static str>>>,
    }

    impl HostCodes for FakeCodes {
        fn acquire_host_code(&mut self) -> Result<(), Error> {
            self.counted.borrow_mut().push("acquire");
            self.error.borrow().clone().map_or(Ok(()), Err)
        }
        fn release_host_code(&mut self) {
            self.counted.borrow_mut().push("release");
        }
    }

    const SECRET: &[u8; 20] = b"12345678901234567890";

    pub(crate) fn totp(state: &Path, codes: &FakeCodes) -> Totp {
        let app = Authenticator::from_bytes(SECRET).unwrap();
        let steps = Steps::new(state, map);
        Totp::new("bob", app, steps, Box::new(codes.clone()), now)
    }

    /// The code of the app at this time.
    pub(crate) fn code(time: u64) -> Code {
        let totp = Builder::new()
            .with_secret(SECRET.to_vec())
            .build_noncompliant();
        totp.generate(time).to_string().parse().unwrap()
    }

    /// What came of a code, in words.
    fn check(totp: &mut Totp, code: &Code) -> String {
        match totp.check(code) {
            Checked::Accepted => "accepted".to_owned(),
            Checked::Used => "used".to_owned(),
            Checked::Refused => "refused".to_owned(),
            Checked::NotMine => "not mine".to_owned(),
            Checked::Failed(error) => format!("{:?} {:?}", error.kind, error.progress),
        }
    }

    /// RFC 6238, appendix B.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let app = |algorithm, length: usize| {
            let secret: Vec<u8> = SECRET.iter().copied().cycle().take(length).collect();
            let app = Authenticator::from_bytes(&secret).unwrap();
            app.with_algorithm(algorithm).with_digits(8).unwrap()
        };
        let apps = [
            app(Algorithm::Sha1, 20),
            app(Algorithm::Sha256, 32),
            app(Algorithm::Sha512, 64),
        ];
        let rows = [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ];
        let mut wrong = Vec::new();
        for (time, codes) in rows {
            for (app, code) in apps.iter().zip(codes) {
                let parsed = code.parse().unwrap();
                if matching_times(app, &parsed, time, 0) != [time / 30 * 30] {
                    wrong.push((time, code));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    #[ignore = "needs oathtool"]
    fn the_codes_are_those_of_oathtool() {
        let mut wrong = Vec::new();
        for (number, length) in [10, 16, 20, 32, 64, 65, 128].into_iter().enumerate() {
            let secret: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(7)).collect();
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            for algorithm in ["SHA1", "SHA256", "SHA512"] {
                let digits = 6 + number % 3;
                let period = [15, 30, 60, 120][number % 4];
                let time = 1_800_000_000 + 12_345 * number as u64;
                let output = Command::new("oathtool")
                    .arg(format!("--totp={algorithm}"))
                    .arg(format!("--digits={digits}"))
                    .arg(format!("--time-step-size={period}s"))
                    .arg(format!("--now=@{time}"))
                    .arg(&hex)
                    .output()
                    .expect("oathtool is installed: scripts/prerequisites.sh check");
                let printed = String::from_utf8(output.stdout).unwrap();
                let app = Authenticator::from_bytes(&secret).unwrap();
                let app = app.with_digits(digits as i64).unwrap();
                let app = app.with_period(period as i64).unwrap();
                let app = app.with_algorithm(algorithm.parse().unwrap());
                let code = printed.trim_end().parse().unwrap();
                if matching_times(&app, &code, time, 0) != [time / period * period] {
                    wrong.push(format!("{algorithm} {digits} {period} {length}: {printed}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_code_within_one_step_is_accepted_once() {
        let rows = [
            (-2, "refused"),
            (-1, "accepted"),
            (0, "accepted"),
            (1, "accepted"),
            (2, "refused"),
        ];
        let mut wrong = Vec::new();
        for (steps, expected) in rows {
            let folder = tempfile::tempdir().unwrap();
            let codes = FakeCodes::default();
            let mut totp = totp(&folder.path().join("state"), &codes);
            let code = code(NOW.get().saturating_add_signed(steps * 30));
            let outcome = (check(&mut totp, &code), check(&mut totp, &code));
            let again = if expected == "accepted" {
                "used"
            } else {
                expected
            };
            if outcome != (expected.to_owned(), again.to_owned()) {
                wrong.push(format!("{steps}: {outcome:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn no_code_of_an_earlier_step_is_accepted_after_a_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let codes = FakeCodes::default();
        let mut totp = totp(&folder.path().join("state"), &codes);
        let now = NOW.get();
        assert_eq!(check(&mut totp, &code(now + 30)), "accepted");
        assert_eq!(check(&mut totp, &code(now)), "used");
        NOW.set(now + 60);
        assert_eq!(check(&mut totp, &code(now + 60)), "accepted");
    }

    #[test]
    fn a_code_is_counted_before_it_is_checked_and_taken_back_when_it_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let codes = FakeCodes::default();
        let mut totp = totp(&folder.path().join("state"), &codes);
        assert_eq!(check(&mut totp, &"000000".parse().unwrap()), "refused");
        assert_eq!(codes.counted.take(), ["acquire"]);
        assert_eq!(check(&mut totp, &code(NOW.get())), "accepted");
        assert_eq!(codes.counted.take(), ["acquire", "release"]);
        for digits in ["123", "12345", "1234567", "123456789012"] {
            assert_eq!(check(&mut totp, &digits.parse().unwrap()), "not mine");
        }
        assert!(codes.counted.take().is_empty());
    }

    #[test]
    fn a_code_that_cannot_be_counted_is_not_checked() {
        let folder = tempfile::tempdir().unwrap();
        let codes = FakeCodes::default();
        let mut totp = totp(&folder.path().join("state"), &codes);
        for kind in [ErrorKind::Paused, ErrorKind::State, ErrorKind::Process] {
            *codes.error.borrow_mut() = Some(Error {
                kind,
                code: None,
                detail: String::new(),
                progress: Progress::NotSent,
            });
            let outcome = check(&mut totp, &code(NOW.get()));
            assert_eq!(outcome, format!("{kind:?} NotSent"));
        }
        *codes.error.borrow_mut() = None;
        assert_eq!(check(&mut totp, &code(NOW.get())), "accepted");
    }

    #[test]
    fn a_code_that_cannot_be_recorded_is_not_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let codes = FakeCodes::default();
        // The state folder is a file.
        let state = folder.path().join("state");
        std::fs::write(&state, "").unwrap();
        let mut totp = totp(&state, &codes);
        assert_eq!(check(&mut totp, &code(NOW.get())), "State Answered");
        assert_eq!(codes.counted.take(), ["acquire"]);
    }

    #[test]
    fn a_last_step_ahead_of_the_clock_is_named_and_no_code_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let codes = FakeCodes::default();
        let mut totp = totp(&folder.path().join("state"), &codes);
        let now = NOW.get();
        NOW.set(now + 3600);
        assert_eq!(check(&mut totp, &code(now + 3600)), "accepted");
        NOW.set(now);
        for _ in 0..2 {
            assert_eq!(check(&mut totp, &code(now)), "used");
        }
        let notes = totp.notes();
        assert!(
            notes.len() == 1
                && notes[0].contains("totp=\"bob\" is 35")
                && notes[0].contains("authyctl totp reset"),
            "{notes:?}"
        );
        assert_eq!(ahead_of_clock("bob", now + MAX_AHEAD, now), None);
    }
}
