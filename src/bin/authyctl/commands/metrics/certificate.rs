//! Until when CA certificates are valid: one date of each, without any judgement about the rest.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::parse_x509_certificate;

/// Returns when the first of the certificates in a PEM file ends, in seconds since 1970; `None` where
/// there is none, or one that cannot be read.
pub(super) fn first_end(pem: &[u8]) -> Option<u64> {
    let ends = CertificateDer::pem_slice_iter(pem).map(|der| end_of(&der.ok()?));
    ends.collect::<Option<Vec<_>>>()?.into_iter().min()
}

fn end_of(der: &[u8]) -> Option<u64> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    u64::try_from(certificate.validity().not_after.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";

    /// A certificate by OpenSSL, and its end as OpenSSL shows it.
    fn certificate(days: u32) -> (String, u64) {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args(["-subj", "/CN=test", "-days", &days.to_string()])
            .arg("-keyout")
            .arg(key)
            .arg("-out")
            .arg(&path)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let shown = Command::new("openssl")
            .args(["x509", "-noout", "-enddate", "-in"])
            .arg(&path)
            .output()
            .unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let date = Command::new("date")
            .args([
                "-u",
                "+%s",
                "-d",
                shown.trim().strip_prefix("notAfter=").unwrap(),
            ])
            .output()
            .unwrap();
        let end = String::from_utf8(date.stdout).unwrap();
        let pem = std::fs::read_to_string(path).unwrap();
        (pem, end.trim().parse().unwrap())
    }

    #[test]
    fn the_end_is_the_one_that_openssl_shows_and_the_first_of_several_counts() {
        // The second one has a time with four digits for its year.
        let ((soon, soon_end), (late, late_end)) = (certificate(30), certificate(30_000));
        assert_eq!(first_end(soon.as_bytes()), Some(soon_end));
        assert_eq!(first_end(late.as_bytes()), Some(late_end));
        let both = format!("# both\n{late}\n{soon}");
        assert_eq!(first_end(both.as_bytes()), Some(soon_end));
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let (pem, _) = certificate(1);
        for text in [
            String::new(),
            "no PEM".to_owned(),
            pem.replace(END, ""),
            format!("{BEGIN}\nAAAA\n{END}"),
            format!("{BEGIN}\n{END}"),
            format!("{pem}{BEGIN}\n?\n{END}"),
        ] {
            assert_eq!(first_end(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_cut_certificate_has_no_end_and_none_panics() {
        let (pem, _) = certificate(1);
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .unwrap()
            .to_vec();
        for length in 0..der.len() {
            assert_eq!(end_of(&der[..length]), None, "{length}");
        }
        for at in 0..der.len() {
            for value in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = der.clone();
                changed[at] = value;
                let _ = end_of(&changed);
            }
        }
    }
}
