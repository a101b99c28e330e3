//! Asks for a code, and says whether it is right: a client of Authy or of Twilio Verify, made of
//! nothing but its settings.
//!
//! ```sh
//! export CA_FILE=/etc/ssl/certs/ca-certificates.crt
//! export AUTHY_API_KEY=…
//! cargo run --example check_code --no-default-features --features client -- authy 1635
//! export TWILIO_VERIFY_SERVICE=VA… TWILIO_API_KEY=SK… TWILIO_API_SECRET=…
//! cargo run --example check_code --no-default-features --features client -- twilio +15551234567
//! ```
//!
//! AUTHY_URL and TWILIO_URL name another server, such as authy-sim.

use std::error::Error;
use std::time::Duration;

use pam_authy::base::deadline::Deadline;
use pam_authy::base::factor::{Channel, Code, Phone};
use pam_authy::base::secret::Secret;
use pam_authy::client::authy::tokens::VerifyOptions;
use pam_authy::client::authy::types::{AuthyId, Token};
use pam_authy::client::http::{Https, Pem, Roots};
use pam_authy::client::twilio::verifications::StartOptions;
use pam_authy::client::{authy, twilio};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let setting = |name: &str| std::env::var(name).ok();
    let is_right = run(&words, &setting, &|| {
        eprint!("Code: ");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        Ok(line)
    })?;
    println!("{}", if is_right { "right" } else { "wrong" });
    Ok(())
}

/// Says whether the code that `ask` returns is the person's.
pub(crate) fn run(
    words: &[String],
    setting: &dyn Fn(&str) -> Option<String>,
    ask: &dyn Fn() -> std::io::Result<String>,
) -> Result<bool, Box<dyn Error>> {
    let required = |name: &str| setting(name).ok_or_else(|| format!("{name} is not set"));
    let ca_file = required("CA_FILE")?;
    let bytes = std::fs::read(&ca_file)?;
    let roots = Roots::new(Pem {
        name: ca_file,
        bytes,
    });
    let transport = Https::new(roots, None);
    match words {
        [provider, id] if provider == "authy" => {
            let url = setting("AUTHY_URL").unwrap_or("https://api.authy.com".to_owned());
            let key = Secret::new(required("AUTHY_API_KEY")?);
            let client = authy::Client::new(transport, &url, key, TIMEOUT);
            by_authy(&client, id.parse()?, &ask()?.trim().parse()?)
        }
        [provider, number] if provider == "twilio" => {
            let url = setting("TWILIO_URL").unwrap_or("https://verify.twilio.com".to_owned());
            let service = required("TWILIO_VERIFY_SERVICE")?.parse()?;
            let key = required("TWILIO_API_KEY")?.parse()?;
            let secret = Secret::new(required("TWILIO_API_SECRET")?);
            let client = twilio::Client::new(transport, &url, service, &key, &secret, TIMEOUT);
            by_twilio(&client, &number.parse()?, ask)
        }
        _ => Err("usage: check_code authy ID | check_code twilio NUMBER".into()),
    }
}

/// Authy checks a code of its app, or one that it has sent.
fn by_authy(
    client: &authy::Client<Https>,
    id: AuthyId,
    token: &Token,
) -> Result<bool, Box<dyn Error>> {
    let deadline = Deadline::within(TIMEOUT);
    let options = VerifyOptions::default();
    match client.tokens().verify(id, token, &options, deadline) {
        Ok(()) => Ok(true),
        Err(authy::Error::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Twilio sends a code by SMS, and then checks it.
fn by_twilio(
    client: &twilio::Client<Https>,
    to: &Phone,
    ask: &dyn Fn() -> std::io::Result<String>,
) -> Result<bool, Box<dyn Error>> {
    let calls = client.verifications();
    let options = StartOptions::default();
    let started = calls.start(to, Channel::Sms, &options, Deadline::within(TIMEOUT))?;
    let code: Code = ask()?.trim().parse()?;
    match calls.check(&started.sid, to, &code, Deadline::within(TIMEOUT)) {
        Ok(()) => Ok(true),
        Err(twilio::Error::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
