//! Twilio Verify: whether it accepts our key, what the key may do that a host's should not, the
//! settings of the service, and whether the CA certificates are those that Twilio will use.

mod key;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pam_authy::client::twilio::Error;
use pam_authy::client::twilio::services::Service;
use pam_authy::host::ca_file;
use pam_authy::store::config::{self, Config, Provider};
use pam_authy::store::users::Mapping;

use super::patience::patiently;
use super::{Finding, absent};
use crate::commands::twilio::{AtTwilio, lacks_permission};

/// The name of every finding here.
const CHECK: &str = "twilio";
/// The root to which Twilio moves its certificates from 2027-01-26 on.
const AMAZON_ROOT: &[u8] = b"Amazon Root CA 1";

/// Asks Twilio for the service, and what else the key may do. Blocks for the configured time-out
/// and one second at most for each of five requests.
pub(super) fn check(config: &Config, mapping: Option<&Mapping>) -> Vec<Finding> {
    let Some(twilio) = &config.twilio else {
        let absent = |mapping| absent::check(CHECK, Provider::Twilio, config, mapping);
        return mapping.and_then(absent).into_iter().collect();
    };
    let client = AtTwilio::new(twilio);
    let ask = || client.client.services().fetch(client.deadline());
    let service = patiently(ask, |error| match error {
        Error::RateLimited(refusal) => refusal.retry_after_seconds,
        _ => None,
    });
    let mut findings = of_answer(twilio, &service);
    if let Ok(service) = &service {
        findings.extend(of_service(service));
    }
    if service.is_ok() || service.as_ref().is_err_and(lacks_permission) {
        findings.extend(key::findings(&client));
        findings.extend(rate_limits(twilio, &client));
    }
    findings.extend(roots(twilio));
    findings
}

fn of_answer(twilio: &config::Twilio, service: &Result<Service, Error>) -> Vec<Finding> {
    let url = &twilio.url;
    let accepted = |rest: String| format!("{url} proves its identity, and accepts the key{rest}");
    match service {
        Ok(service) => vec![
            Finding::ok(
                CHECK,
                accepted(format!(" for the service {}", service.name)),
            ),
            Finding::warning(
                CHECK,
                "the key may read the service, so it can do more than log people in",
            )
            .hint(key::HINT),
        ],
        Err(error) if lacks_permission(error) => {
            vec![
            Finding::ok(CHECK, accepted(", which may not read the service".to_owned())),
            Finding::unknown(
                CHECK,
                "the settings of the service cannot be read with this key, as is right on a host, nor whether it exists",
            )
            .hint("authyctl sms USER shows whether it exists; with --config and an administrator's key, doctor shows all"),
        ]
        }
        Err(error) => {
            let finding = Finding::problem(CHECK, format!("{url}: {error}"));
            vec![match error {
                Error::KeyRefused(_) => finding.hint("check twilio.key_sid and its secret"),
                Error::NotFound(_) => finding.hint("check twilio.service"),
                Error::UntrustedServer(_) => {
                    finding.hint("check twilio.url, twilio.ca_file and this host's clock")
                }
                Error::Unavailable(_) | Error::ServerError(_) => finding.hint(
                    "every login is refused while this lasts, unless when_unavailable says otherwise",
                ),
                _ => finding,
            }]
        }
    }
}

/// Whether the service has the rate limits that are configured: Twilio sends no code for another
/// name.
fn rate_limits(twilio: &config::Twilio, client: &AtTwilio) -> Vec<Finding> {
    let limits = &twilio.rate_limits;
    let names: Vec<_> = limits.user.iter().chain(&limits.rhost).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let of_service = match client.client.services().rate_limits(client.deadline()) {
        Ok(of_service) => of_service,
        Err(error) => {
            let why = format!("whether the service has the rate limits of config.toml: {error}");
            let hint = "authyctl sms USER shows whether Twilio accepts the names";
            return vec![Finding::unknown(CHECK, why).hint(hint)];
        }
    };
    let lacks = names.iter().filter(|name| !of_service.contains(name));
    let mut findings: Vec<_> = lacks
        .map(|name| {
            let why =
                format!("the service has no rate limit {name}, so no SMS is sent and no call made");
            Finding::problem(CHECK, why).hint("correct twilio.rate_limits, or make it at Twilio")
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            "the service has the rate limits of config.toml",
        ));
    }
    findings
}

/// What the settings of the service mean for logins.
fn of_service(service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    if service.psd2 == Some(true) {
        let message = "the service has PSD2 on: Twilio sends no code without an amount and a payee";
        findings
            .push(Finding::problem(CHECK, message).hint("switch PSD2 off, or use another service"));
    }
    if service.custom_code == Some(true) {
        let message = "the service lets applications choose the code that is sent";
        let hint = "switch custom codes off: a thief of the key could know each code";
        findings.push(Finding::warning(CHECK, message).hint(hint));
    }
    if service.code_length.is_some_and(|length| length < 6) {
        let message = "the codes that are sent have fewer than six digits";
        findings.push(
            Finding::warning(CHECK, message).hint("set the service's code length to 6 or more"),
        );
    }
    if service.totp_skew.is_some_and(|skew| skew > 1) {
        let message = "codes of apps are accepted two steps before and after their own";
        findings.push(Finding::warning(CHECK, message).hint("set the service's TOTP skew to 1"));
    }
    findings
}

/// Whether the CA certificates have Amazon's root, for Twilio's own servers.
fn roots(twilio: &config::Twilio) -> Option<Finding> {
    if !twilio.url.ends_with("twilio.com") {
        return None;
    }
    let (path, pem) = ca_file::read(twilio.ca_file.as_deref()).ok()?;
    let path = path.display();
    Some(if has_amazon_root(&pem) {
        Finding::ok(CHECK, format!("{path} has Amazon's root certificate"))
    } else {
        let message = format!(
            "{path} lacks Amazon's root certificate, which Twilio moves to from 2027-01-26 on"
        );
        Finding::warning(CHECK, message)
            .hint("add Amazon Root CA 1 to 4 to twilio.ca_file, or remove that key")
    })
}

fn has_amazon_root(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    let certificates = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    certificates
        .filter_map(|rest| rest.split("-----END").next())
        .filter_map(|base64| {
            let digits: String = base64.split_whitespace().collect();
            BASE64_STANDARD.decode(digits).ok()
        })
        .any(|der| {
            der.windows(AMAZON_ROOT.len())
                .any(|part| part == AMAZON_ROOT)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_root_is_found_in_a_file_of_certificates() {
        let pem = |der: &[u8]| {
            let base64 = BASE64_STANDARD.encode(der);
            format!("# x\n-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
        };
        let other = pem(b"\x30DigiCert Global Root G2");
        let amazon = pem(b"\x30\x16Amazon Root CA 1\x30");
        assert!(has_amazon_root(format!("{other}{amazon}").as_bytes()));
        assert!(!has_amazon_root(other.as_bytes()));
        assert!(!has_amazon_root(b"# Amazon Root CA 1"));
    }
}
