//! What counts of what a login says about SSH: who is believed, and whether one of the accepted
//! keys is a security key of the person.
//!
//! Pure. Called by the rest of `policy`, and by `engine::wiring` at the start of a login.

use crate::base::attempt::Attempt;
use crate::base::factor::{Fingerprint, Person};
use crate::host::ssh_key::PublicKey;

/// Whether SSH_AUTH_INFO_0 and SSH_CONNECTION in the PAM environment come from sshd: only a process
/// that root has started (real and effective uid 0) is believed, in a service of
/// `login.ssh_services`. In su and sudo they would be the word of the caller.
#[must_use]
pub fn believes_ssh(attempt: &Attempt, ssh_services: &[String]) -> bool {
    let process = attempt.process;
    let is_root = process.uid == 0 && process.effective_uid == 0;
    is_root && ssh_services.contains(&attempt.service)
}

/// Returns the security key of `person` that is among the accepted `keys`.
pub(super) fn security_key(person: &Person, keys: &[PublicKey]) -> Option<Fingerprint> {
    let mut keys = keys.iter().filter(|key| key.is_security_key);
    let key = keys.find(|key| person.security_keys.contains(&key.fingerprint))?;
    Some(key.fingerprint)
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;
    use crate::base::attempt::Process;
    use crate::base::factor::AuthyId;

    const OTHER: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

    /// An ed25519-sk key, and its fingerprint by ssh-keygen 9.2.
    const SK: &str = "publickey sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBRRUxSOPvqcUqjTPb/3MfKu9+YNIb1kFfBhNMZnlCV7AAAABHNzaDo=";
    const SK_PRINT: &str = "SHA256:dacTzS7N/iiGkNsOsOnxTwiTJrjpIuc5E+vWUkd3q/8";
    const PLAIN: &str = "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL7kYXC+ngCRZK6En01ngnk9ycdIA1+mMmQjNWK40nDk";
    const PLAIN_PRINT: &str = "SHA256:2d25u7ZmLqRXwf+er7sjWQa0/mN3GBMCRuR3akr2Gxw";

    /// The security key that proves a login with this SSH_AUTH_INFO_0, of a person with these keys.
    fn proven(auth: &str, keys: &[&str], believes_ssh: bool, accepted: bool) -> Option<String> {
        let attempt = Attempt {
            ssh_auth: Some(auth.to_owned()),
            believes_ssh,
            ..Attempt::default()
        };
        let query = RequirementQuery {
            attempt: &attempt,
            subject: "alice",
            exempt: &Exempt::default(),
            unenrolled: Fallback::Deny,
            enroll_by: None,
            providers: Providers {
                authy: true,
                security_keys: accepted,
                ..Providers::default()
            },
        };
        let person = Person {
            security_keys: keys.iter().map(|key| key.parse().unwrap()).collect(),
            ..Person::from(AuthyId::try_from(1_u64).unwrap())
        };
        match query.supported(person, vec![]) {
            Requirement::Person { security_key, .. } => security_key.map(|key| key.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_security_key_of_the_person_proves_them_and_nothing_else_does() {
        let both = format!("{PLAIN}\npassword\n{SK}\nkeyboard-interactive/pam\n");
        let rows = [
            // SSH_AUTH_INFO_0, keys of the person, sshd is believed, "security-key" in factors.
            (SK, &[SK_PRINT][..], true, true, true),
            (&both, &[PLAIN_PRINT, SK_PRINT], true, true, true),
            (SK, &[], true, true, false),
            (SK, &[OTHER], true, true, false),
            (SK, &[SK_PRINT], false, true, false),
            (SK, &[SK_PRINT], true, false, false),
            ("", &[SK_PRINT], true, true, false),
            // The entry names an ordinary key.
            (PLAIN, &[PLAIN_PRINT], true, true, false),
            (&both, &[PLAIN_PRINT], true, true, false),
            (&format!("{SK}\r\n"), &[SK_PRINT], true, true, false),
            (&format!("x{SK}\n"), &[SK_PRINT], true, true, false),
        ];
        let mut wrong = Vec::new();
        for (auth, keys, believes_ssh, accepted, expected) in rows {
            let found = proven(auth, keys, believes_ssh, accepted);
            if found.as_deref() != expected.then_some(SK_PRINT) {
                wrong.push((auth, keys, believes_ssh, accepted, found));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn only_root_in_a_service_of_sshd_is_believed_about_ssh() {
        let services = ["sshd".to_owned(), "sshd-sftp".to_owned()];
        // Service, real uid, effective uid.
        let rows = [
            ("sshd", 0, 0, true),
            ("sshd-sftp", 0, 0, true),
            ("sshd", 1000, 0, false),
            ("sshd", 0, 1000, false),
            ("sshd", 1000, 1000, false),
            ("sudo", 0, 0, false),
            ("ssh", 0, 0, false),
            ("SSHD", 0, 0, false),
            ("", 0, 0, false),
        ];
        let believed = |(service, uid, effective_uid, _): &(&str, u32, u32, bool)| {
            let attempt = Attempt {
                service: (*service).to_owned(),
                process: Process {
                    uid: *uid,
                    effective_uid: *effective_uid,
                    ..Process::default()
                },
                ..Attempt::default()
            };
            believes_ssh(&attempt, &services)
        };
        let wrong: Vec<_> = rows.iter().filter(|row| believed(row) != row.3).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
