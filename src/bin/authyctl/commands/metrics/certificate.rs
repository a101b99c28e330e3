//! Until when CA certificates are valid: the one date of an X.509 certificate that is read, without
//! any judgement about the rest.
//!
//! Source: RFC 5280 section 4.1, X.690 (DER).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pam_authy::base::utc::Utc;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Returns when the first of the certificates in a PEM file ends, in seconds since 1970; `None` where
/// there is none, or one that cannot be read.
pub(super) fn first_end(pem: &str) -> Option<u64> {
    let mut first = None;
    for part in pem.split(BEGIN).skip(1) {
        let (base64, _) = part.split_once(END)?;
        let base64: String = base64.split_whitespace().collect();
        let end = end_of(&STANDARD.decode(base64).ok()?)?;
        first = Some(first.map_or(end, |first: u64| first.min(end)));
    }
    first
}

/// The second time of `Certificate.tbsCertificate.validity`.
fn end_of(der: &[u8]) -> Option<u64> {
    let (certificate, _) = content(der, SEQUENCE)?;
    let (signed, _) = content(certificate, SEQUENCE)?;
    let rest = content(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_serial, rest) = content(rest, INTEGER)?;
    let (_algorithm, rest) = content(rest, SEQUENCE)?;
    let (_issuer, rest) = content(rest, SEQUENCE)?;
    let (validity, _) = content(rest, SEQUENCE)?;
    let (_begin, end) = time(validity)?;
    let (end, _) = time(end)?;
    end.seconds()
}

/// Splits off an element with this tag: its content, and what follows.
fn content(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = der.split_first_chunk::<2>()?;
    let [found, length] = *head;
    let (length, rest) = match length {
        short if short < 0x80 => (usize::from(short), rest),
        // No certificate has 4 GiB.
        long => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let is_sane = (1..=4).contains(&bytes.len());
            let length = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (is_sane.then_some(length)?, rest)
        }
    };
    (found == tag)
        .then(|| rest.split_at_checked(length))
        .flatten()
}

/// Splits off a time, which ends with Z.
fn time(der: &[u8]) -> Option<(Utc, &[u8])> {
    let (text, rest, digits) = match content(der, UTC_TIME) {
        Some((text, rest)) => (text, rest, 2),
        None => {
            let (text, rest) = content(der, GENERALIZED_TIME)?;
            (text, rest, 4)
        }
    };
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, date) = text.split_at_checked(digits)?;
    let is_date = date.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let year: u64 = year.parse().ok().filter(|_| is_date)?;
    let year = match digits {
        2 if year < 50 => 2000 + year,
        2 => 1900 + year,
        _ => year,
    };
    let part = |at: usize| date.get(at..at + 2)?.parse::<u64>().ok();
    let utc = Utc {
        year,
        month: part(0)?,
        day: part(2)?,
        time: [part(4)?, part(6)?, part(8)?],
    };
    Some((utc, rest))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

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
        assert_eq!(first_end(&soon), Some(soon_end));
        assert_eq!(first_end(&late), Some(late_end));
        assert_eq!(
            first_end(&format!("# both\n{late}\n{soon}")),
            Some(soon_end)
        );
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
            assert_eq!(first_end(&text), None, "{text}");
        }
    }

    #[test]
    fn a_cut_certificate_has_no_end_and_none_panics() {
        let (pem, _) = certificate(1);
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(base64).unwrap();
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
