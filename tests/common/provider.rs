//! Who checks the codes of a person. The tests of logins by codes (`module::providers`) run with
//! each of [`PROVIDERS`]: a new one is one more `impl` and one more name there.

use std::cell::Cell;
use std::fmt::Debug;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::host::Host;
use super::rows::check_rows;
use super::totp::{SECRET, code_at};

/// All providers.
pub(crate) const PROVIDERS: [&dyn Provider; 4] = [
    &Authy,
    &Totp { is_alone: true },
    &Totp { is_alone: false },
    &Twilio,
];

const PROMPT_WITH_WORDS: &str = "Verification code (or type push, sms or call): ";
const SMS_SENT: &str = "An SMS with a code was sent to your phone.";

/// Checks a row of the table: `row` with each provider. Every provider that fails is named.
#[track_caller]
pub(crate) fn with_each_provider(row: impl FnMut(&'static dyn Provider)) {
    check_rows(PROVIDERS, row);
}

/// Who checks codes. Its persons have numbers.
pub(crate) trait Provider: Debug {
    /// Returns a host whose config.toml has what this provider needs, and `more`.
    fn host(&self, more: &str) -> Host;
    /// Makes a person known to the provider by this name, where it has names.
    fn know(&self, host: &Host, name: &str, number: u64);
    /// Returns the person's entry in users.toml, as a user or as one of a shared account.
    fn entry(&self, name: &str, number: u64, shared: bool) -> String;
    /// Spoils what a user has, and returns an entry that denies their logins.
    fn spoil(&self, host: &Host, name: &str) -> &'static str;
    /// Returns a right code of the person, who has been given `given` others before.
    fn code(&self, host: &Host, number: u64, given: u64) -> String;
    /// Returns a code that is never right.
    fn wrong_code(&self) -> &'static str;
    /// Returns what must never be in a log: the key of the service or the person's secret.
    fn secret(&self, host: &Host, number: u64) -> String;
    /// Returns the fields of audit lines that name provider and person.
    fn identity(&self, name: &str, number: u64) -> String;
    /// Returns the same for a wrong code, where the provider has a number for what was wrong.
    fn refused(&self, name: &str, number: u64) -> String;
    /// Returns how `explain` names the person's factor.
    fn explained(&self, number: u64) -> String;
    /// Returns the prompt of a login on the host.
    fn prompt(&self) -> &'static str;
    /// Returns what the host shows to a person who types sms, and how many are sent.
    fn answer_to_sms(&self) -> (&'static str, usize);
    /// Returns how many requests for an SMS the provider got.
    fn sms(&self, host: &Host) -> usize {
        host.sim.count("/sms/")
    }
}

/// The Authy service, played by authy-sim.
#[derive(Debug)]
struct Authy;

impl Authy {
    fn id(number: u64) -> u64 {
        1700 + number
    }
}

impl Provider for Authy {
    fn host(&self, more: &str) -> Host {
        Host::with(more)
    }
    fn know(&self, host: &Host, _: &str, number: u64) {
        let id = Self::id(number);
        host.sim.post("/phone/users", &json!({"authy_id": id}));
    }
    fn entry(&self, _: &str, number: u64, _: bool) -> String {
        Self::id(number).to_string()
    }
    fn spoil(&self, _: &Host, _: &str) -> &'static str {
        "0"
    }
    fn code(&self, host: &Host, number: u64, _: u64) -> String {
        host.sim.token(Self::id(number))
    }
    fn wrong_code(&self) -> &'static str {
        "1111111"
    }
    fn secret(&self, host: &Host, _: u64) -> String {
        host.sim.key()
    }
    fn identity(&self, _: &str, number: u64) -> String {
        format!("provider=authy authy_id={}", Self::id(number))
    }
    fn refused(&self, _: &str, number: u64) -> String {
        format!("provider=authy code=60020 authy_id={}", Self::id(number))
    }
    fn explained(&self, number: u64) -> String {
        format!("authy id {}", Self::id(number))
    }
    fn prompt(&self) -> &'static str {
        PROMPT_WITH_WORDS
    }
    fn answer_to_sms(&self) -> (&'static str, usize) {
        (SMS_SENT, 1)
    }
}

/// An app whose codes the host itself checks; oathtool computes them.
#[derive(Debug)]
struct Totp {
    /// Whether the host uses no service for other people either.
    is_alone: bool,
}

impl Totp {
    /// The usual secret with other last letters: the digits of the number to the base 8.
    fn secret_of(number: u64) -> String {
        let digits = format!("{number:08o}");
        let letters = digits.bytes().map(|digit| char::from(digit - b'0' + b'A'));
        SECRET.chars().take(24).chain(letters).collect()
    }

    fn write_secret(host: &Host, name: &str, secret: &str) {
        let path = host.users.with_file_name("totp.toml");
        if !path.exists() {
            fs::write(&path, "[totp]\n").unwrap();
        }
        host.set_line(&path, name, &format!("{{ secret = \"{secret}\" }}"));
        host.chmod(&path, 0o600);
    }
}

impl Provider for Totp {
    fn host(&self, more: &str) -> Host {
        if self.is_alone {
            Host::without_authy(more)
        } else {
            Host::with(more)
        }
    }
    fn know(&self, host: &Host, name: &str, number: u64) {
        Self::write_secret(host, name, &Self::secret_of(number));
    }
    fn entry(&self, name: &str, _: u64, shared: bool) -> String {
        if shared {
            format!("{{ totp = \"{name}\" }}")
        } else {
            "{ totp = true }".to_owned()
        }
    }
    fn spoil(&self, host: &Host, name: &str) -> &'static str {
        Self::write_secret(host, name, "");
        "{ totp = true }"
    }
    /// A step is used once, and the next one is accepted too. So this needs not wait for a step to
    /// begin, and a code is right for 30 s at least.
    fn code(&self, _: &Host, number: u64, given: u64) -> String {
        assert!(given < 2, "a third code is not accepted at once");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        code_at(&Self::secret_of(number), now.as_secs() + 30 * given)
    }
    fn wrong_code(&self) -> &'static str {
        "000000"
    }
    fn secret(&self, _: &Host, number: u64) -> String {
        Self::secret_of(number)
    }
    fn identity(&self, name: &str, _: u64) -> String {
        format!("provider=totp totp=\"{name}\"")
    }
    fn refused(&self, name: &str, number: u64) -> String {
        self.identity(name, number)
    }
    fn explained(&self, _: u64) -> String {
        "an app whose codes this host checks".to_owned()
    }
    fn prompt(&self) -> &'static str {
        if self.is_alone {
            "Verification code: "
        } else {
            PROMPT_WITH_WORDS
        }
    }
    fn answer_to_sms(&self) -> (&'static str, usize) {
        if self.is_alone {
            let no_code = "That is not a code: type all its digits and nothing else.";
            (no_code, 0)
        } else {
            (SMS_SENT, 0)
        }
    }
}

/// Twilio Verify, played by authy-sim: an app, and a number for SMS. The host has a restricted key.
#[derive(Debug)]
struct Twilio;

impl Twilio {
    /// Without the wrong code in it, which must not be in a log.
    fn sid(number: u64) -> String {
        format!("YF{}{:08x}", "abcdef12".repeat(3), number ^ 0xabcd_ef12)
    }

    fn identity_of(number: u64) -> String {
        format!("person-{number:08}")
    }
}

impl Provider for Twilio {
    fn host(&self, more: &str) -> Host {
        Host::with_twilio(more)
    }
    fn know(&self, host: &Host, _: &str, number: u64) {
        let app = json!({
            "identity": Self::identity_of(number),
            "secret": Totp::secret_of(number),
            "sid": Self::sid(number),
        });
        host.sim.post("/phone/twilio/factors", &app);
    }
    fn entry(&self, _: &str, number: u64, _: bool) -> String {
        let (identity, sid) = (Self::identity_of(number), Self::sid(number));
        format!(
            "{{ phone = \"+1555{number:07}\", twilio_identity = \"{identity}\", twilio_factor = \"{sid}\" }}"
        )
    }
    fn spoil(&self, _: &Host, _: &str) -> &'static str {
        "{ phone = \"5551234567\" }"
    }
    /// Twilio accepts the codes of the step before and of the next one too.
    fn code(&self, host: &Host, number: u64, given: u64) -> String {
        Totp { is_alone: false }.code(host, number, given)
    }
    fn wrong_code(&self) -> &'static str {
        "000000"
    }
    fn secret(&self, host: &Host, _: u64) -> String {
        host.sim.twilio("TWILIO_HOST_SECRET")
    }
    fn identity(&self, _: &str, number: u64) -> String {
        format!("provider=twilio twilio=\"{}\"", Self::sid(number))
    }
    fn refused(&self, name: &str, number: u64) -> String {
        self.identity(name, number)
    }
    fn explained(&self, _: u64) -> String {
        "codes that Twilio sends by SMS or call, and with an app whose codes Twilio checks"
            .to_owned()
    }
    fn prompt(&self) -> &'static str {
        "Verification code (or type sms or call): "
    }
    fn answer_to_sms(&self) -> (&'static str, usize) {
        (SMS_SENT, 1)
    }
    fn sms(&self, host: &Host) -> usize {
        host.sim.count("/Verifications")
    }
}

/// A person whose codes `provider` checks.
pub(crate) struct Person<'a> {
    host: &'a Host,
    provider: &'static dyn Provider,
    name: String,
    number: u64,
    given: Cell<u64>,
}

impl<'a> Person<'a> {
    /// Makes the person with this number known to the provider.
    pub(crate) fn new(
        provider: &'static dyn Provider,
        host: &'a Host,
        name: &str,
        number: u64,
    ) -> Self {
        provider.know(host, name, number);
        Self {
            host,
            provider,
            name: name.to_owned(),
            number,
            given: Cell::new(0),
        }
    }

    /// Makes `user` the person with the number 1, and enrolls them.
    pub(crate) fn enrolled(provider: &'static dyn Provider, host: &'a Host, user: &str) -> Self {
        let person = Self::new(provider, host, user, 1);
        host.set_line(&host.users, user, &person.entry());
        person
    }

    /// The same person with another name.
    pub(crate) fn renamed(&self, name: &str) -> Self {
        Self {
            given: self.given.clone(),
            ..Self::new(self.provider, self.host, name, self.number)
        }
    }

    /// Returns the person's entry as a user in users.toml.
    pub(crate) fn entry(&self) -> String {
        self.provider.entry(&self.name, self.number, false)
    }

    /// Returns the person's entry as one of a shared account.
    pub(crate) fn entry_in_shared(&self) -> String {
        self.provider.entry(&self.name, self.number, true)
    }

    /// Returns an entry of the person that denies each login.
    pub(crate) fn spoiled_entry(&self) -> &'static str {
        self.provider.spoil(self.host, &self.name)
    }

    /// Returns a right code that was not given before.
    pub(crate) fn code(&self) -> String {
        let given = self.given.replace(self.given.get() + 1);
        self.provider.code(self.host, self.number, given)
    }

    /// Returns what must never be in a log.
    pub(crate) fn secret(&self) -> String {
        self.provider.secret(self.host, self.number)
    }

    /// Returns the fields of audit lines that name provider and person.
    pub(crate) fn identity(&self) -> String {
        self.provider.identity(&self.name, self.number)
    }

    /// Returns the audit line of a right code, up to the fields of the login.
    pub(crate) fn accepted(&self, attempts: usize) -> String {
        let fields = self.identity();
        format!("verdict=accepted reason=code_accepted factor=token {fields} attempts={attempts}")
    }

    /// Returns the audit line of a wrong code, up to the fields of the login.
    pub(crate) fn refused(&self, attempts: usize) -> String {
        let fields = self.provider.refused(&self.name, self.number);
        format!("verdict=refused reason=wrong_code factor=token {fields} attempts={attempts}")
    }

    /// How `explain` names the person's factor.
    pub(crate) fn explained(&self) -> String {
        self.provider.explained(self.number)
    }
}
