//! The table of logins by codes: a test is a row, and checks each provider, which is a column.
//!
//! What a person sees, PAM's code, the audit lines and what is counted are the same for each of
//! them, but for the fields that name the provider. Tests of one provider alone are elsewhere:
//! `matrix`, `push`, `totp`.

mod codes;
mod limits;
mod ssh;

use crate::common::host::{Host, Login};
use crate::common::provider::{Person, Provider, with_each_provider};

/// The configuration of most rows.
const QUICK: &str = "[login]\nrefusal_seconds = 0\n";
/// A login ends after one reply.
const ONE_ATTEMPT: &str = "[login]\nrefusal_seconds = 0\nattempts = 1\n";

/// A row whose host has `config` and an enrolled user, alice.
#[track_caller]
fn with_alice(config: &str, row: impl Fn(&Host, &Person<'_>, &'static dyn Provider)) {
    with_each_provider(|provider| {
        let host = provider.host(config);
        let alice = Person::enrolled(provider, &host, "alice");
        row(&host, &alice, provider);
    });
}

/// The texts that a login showed, prompts and messages.
pub(super) fn texts(login: &Login) -> Vec<&str> {
    login.seen.iter().map(|(_, text)| text.as_str()).collect()
}

/// Checks how the audit lines of all logins so far begin.
#[track_caller]
fn assert_audit(host: &Host, starts: &[&str]) {
    let audit = host.audit_of(starts.len());
    let mut pairs = audit.iter().zip(starts);
    let is_expected = pairs.all(|(line, start)| line.starts_with(start));
    assert!(
        is_expected && audit.len() == starts.len(),
        "{audit:#?}, not {starts:#?}"
    );
}
