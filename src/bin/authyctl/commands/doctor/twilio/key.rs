//! What the key may do that a host's should not, as far as Twilio tells without a change there.
//!
//! Twilio refuses a question for which the key lacks the permission, also about something that does
//! not exist. So each question is about a SID or identity of zeros, which nothing has. Where Twilio
//! answers that it does not exist, the key was not refused. What creates something is not asked.

use pam_authy::base::factor::TwilioIdentity;
use pam_authy::base::factor::twilio::VerificationSid;
use pam_authy::client::twilio::Error;

use super::{CHECK, Finding};
use crate::commands::twilio::{AtTwilio, lacks_permission};

/// What to do about a key that may do too much.
pub(super) const HINT: &str = "make a restricted key, as authyctl init twilio says, and write it by \
                               init twilio --force";
/// Nothing at Twilio has this identity, and no verification these digits.
const ZEROS: &str = "00000000000000000000000000000000";

/// Asks Twilio twice.
pub(super) fn findings(at_twilio: &AtTwilio) -> Vec<Finding> {
    let (client, deadline) = (&at_twilio.client, || at_twilio.deadline());
    let nothing: Option<VerificationSid> = format!("VE{ZEROS}").parse().ok();
    let identity: Option<TwilioIdentity> = ZEROS.parse().ok();
    let cancelled = nothing.map(|sid| client.verifications().cancel(&sid, deadline()));
    let listed = identity.map(|identity| client.factors().list(&identity, deadline()).map(drop));
    let rows = [
        (
            cancelled,
            "approve and cancel codes that were sent, which ends the count of wrong ones",
        ),
        (listed, "read the apps of people"),
    ];
    let mut findings: Vec<_> = rows
        .into_iter()
        .filter_map(|(answer, what)| Some(finding(&answer?, what)))
        .collect();
    findings.push(
        Finding::unknown(
            CHECK,
            "whether the key may enrol apps or change the service: that cannot be asked without a change",
        )
        .hint("Twilio's console shows the permissions of a restricted key; any other key has them all"),
    );
    findings
}

fn finding(answer: &Result<(), Error>, what: &str) -> Finding {
    match answer {
        Err(error) if lacks_permission(error) => {
            Finding::ok(CHECK, format!("the key may not {what}"))
        }
        Ok(()) | Err(Error::NotFound(_)) => {
            let message = format!("Twilio does not refuse the key to {what}");
            Finding::warning(CHECK, message).hint(HINT)
        }
        Err(error) => Finding::unknown(CHECK, format!("whether the key may {what}: {error}")),
    }
}
